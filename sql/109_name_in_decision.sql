-- Slots and counters of names that a SQL client intends to write and has never read. Plain inserts: ON
-- CONFLICT would read rows that no lock of SSI covers. Who names the same at the same moment meets in the
-- unique key. What is there is looked up row by row: a join, or NOT EXISTS, may read the whole table, and a
-- plan made while it was tiny goes on to do so.
create function foreword_code.name_in_decision(p_intents jsonb) returns void
language plpgsql as $$
begin
  with named as materialized (
    select distinct
      foreword_code.resource_id(n.scope, n.kind, n.name) as id,
      n.scope,
      n.kind,
      n.name
    from (
      select i.scope, i.kind, i.name
      from jsonb_to_recordset(p_intents) as i (scope text, kind text, name text)
      union all
      select i.scope, split_part(w, '/', 1), substr(w, strpos(w, '/') + 1)
      from jsonb_to_recordset(p_intents) as i (scope text, options jsonb)
      cross join lateral jsonb_array_elements_text(coalesce(i.options -> 'needs', '[]')) w
    ) n
  ),
  fresh as materialized (
    select n.*
    from named n
    where (select s.resource from foreword_private.resource_state s where s.resource = n.id) is null
  ),
  identity as (
    insert into foreword_private.resource (id, scope, kind, name)
    select f.id, f.scope, f.kind, f.name
    from fresh f
    order by f.id
  )
  insert into foreword_private.resource_state (resource)
  select f.id
  from fresh f
  order by f.id;

  insert into foreword_private.quota (scope, metric)
  select distinct i.scope, m.metric
  from jsonb_to_recordset(p_intents) as i (scope text, options jsonb)
  cross join lateral jsonb_object_keys(coalesce(i.options -> 'counters', '{}')) as m (metric)
  where (
    select q.metric from foreword_private.quota q where q.scope = i.scope and q.metric = m.metric
  ) is null;
end
$$;
