-- Makes the slots (version 0, absent) of names never seen, empty counters, and the rows of scopes never seen. Runs READ COMMITTED
-- before the decision: a decision then inserts no key into an index that readers of keys read, and
-- absence is a fact in a row like any other. Most names are old: they are looked up, not inserted.
create function foreword_code.prepare(
  p_scopes text[],
  p_kinds text[],
  p_names text[],
  p_counter_scopes text[] default '{}',
  p_metrics text[] default '{}'
) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  with named as materialized (
    select distinct
      foreword_code.resource_id(n.scope, n.kind, n.name) as id,
      n.scope,
      n.kind,
      n.name
    from unnest(p_scopes, p_kinds, p_names) as n (scope, kind, name)
  ),
  fresh as materialized (
    select n.*
    from named n
    where not exists (select from foreword_private.resource_state s where s.resource = n.id)
  ),
  identity as (
    insert into foreword_private.resource (id, scope, kind, name)
    select f.id, f.scope, f.kind, f.name
    from fresh f
    order by f.id
    on conflict do nothing
  ),
  scopes as (
    insert into foreword_private.scope (scope)
    select n.scope
    from (select distinct f.scope from fresh f) n
    where (select s.scope from foreword_private.scope s where s.scope = n.scope) is null
    order by n.scope
    on conflict do nothing
  )
  insert into foreword_private.resource_state (resource)
  select f.id
  from fresh f
  order by f.id
  on conflict do nothing;

  if cardinality(p_metrics) > 0 then
    insert into foreword_private.quota (scope, metric)
    select distinct c.scope, c.metric
    from unnest(p_counter_scopes, p_metrics) as c (scope, metric)
    where not exists (
      select from foreword_private.quota q where q.scope = c.scope and q.metric = c.metric
    )
    on conflict do nothing;
  end if;
end
$$;
