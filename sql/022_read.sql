-- Everything that one decider reads, in one call: rows by key, predicates, counters. Plans must be driven by
-- indexes, for a sequential scan, or a hash or merge join over a whole index, would lock a table against
-- all other deciders, and an index-only scan locks pages instead of rows. The sessions of deciders see to that
-- (src/store/decider-settings.ts); functions that other sessions call carry the settings themselves, which
-- costs 6 us a call.
-- p_finds: [{scope, kind, label, value, max}]; p_counters: [{scope, metric}]; p_held: rows are locked as
-- they are read, so that who has lost before is not overtaken between reading and writing.
-- Returns {states: [[resource, version, assumed, labels]], finds: [[[resource, name, version, assumed, labels]]],
-- counters: [[consumed, version]]}: names never seen are not among the states, unseen counters are null.
create function foreword_code.read(
  p_resources uuid[],
  p_finds jsonb default null,
  p_counters jsonb default null,
  p_held boolean default false
) returns json
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  states json;
  finds json[] := '{}';
  counters json[] := '{}';
  wanted record;
  answer json;
begin
  if p_held then
    perform
    from foreword_private.resource_state s
    where s.resource = any (p_resources)
    order by s.resource
    for update;
  end if;

  select json_agg(json_build_array(s.resource, s.version, s.assumed, s.labels))
  into states
  from foreword_private.resource_state s
  where s.resource = any (p_resources);

  if p_finds is not null then
    for wanted in
      select * from jsonb_to_recordset(p_finds)
        as f (scope text, kind text, label text, value text, max integer)
    loop
      select json_agg(json_build_array(m.resource, m.name, m.version, m.assumed, m.labels))
      into answer
      from (
        select m.resource, m.name, s.version, s.assumed, s.labels
        from foreword_private.member m
        -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
        cross join lateral (
          select s.version, s.assumed, s.labels
          from foreword_private.resource_state s
          where s.resource = m.resource
          offset 0
        ) s
        where m.key = foreword_code.member_key(wanted.scope, wanted.kind, wanted.label, wanted.value)
        limit wanted.max + 1
      ) m;
      finds := finds || coalesce(answer, '[]');
    end loop;
  end if;

  if p_counters is not null then
    for wanted in
      select * from jsonb_to_recordset(p_counters) as c (scope text, metric text)
    loop
      if p_held then
        perform
        from foreword_private.quota q
        where q.scope = wanted.scope and q.metric = wanted.metric
        for update;
      end if;
      answer := (
        select json_build_array(q.consumed, q.version)
        from foreword_private.quota q
        where q.scope = wanted.scope and q.metric = wanted.metric
      );
      counters := counters || coalesce(answer, 'null');
    end loop;
  end if;

  return json_build_object('states', states, 'finds', finds, 'counters', counters);
end
$$;
