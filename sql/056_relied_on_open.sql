-- What each of these decisions waits for first, of all that it relied on: the newest open entry, since the
-- others are likely to be through before it. Who read what a decision wrote that is all or nothing waits for all of
-- that: no part of it stands for sure before. No row: for nothing.
create function foreword_code.relied_on_open(p_decisions uuid[])
returns table (decision uuid, entry bigint)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
  select d.id, max(o.id)
  from foreword_private.decision d
  cross join lateral (
    select e.id
    from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    cross join lateral (
      select e.id
      from foreword_private.entry e
      where e.resource = p.resource and e.version <= p.version and e.settled_at is null
      order by e.version desc
      limit 1
    ) e
    where not d.apart
    union all
    select o.id
    from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    cross join lateral (
      select e.decision
      from foreword_private.entry e
      where e.resource = p.resource and e.version = p.version
      offset 0
    ) e
    cross join lateral (
      select s.compensation
      from foreword_private.decision s
      where s.id = e.decision
      offset 0
    ) s
    cross join lateral (
      select o.id, o.settled_at
      from foreword_private.entry o
      where o.decision = e.decision
      offset 0
    ) o
    where
      not d.apart
      and e.decision <> d.id
      and s.compensation = 'all_or_compensate'
      and o.settled_at is null
    union all
    select e.id
    from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
    cross join lateral (
      select y.resource, y.version
      from foreword_private.yielding y
      where y.key = foreword_code.counter_key(c.scope, c.metric) and y.at <= c.version
      offset 0
    ) y
    cross join lateral (
      select e.id
      from foreword_private.entry e
      where
        e.resource = y.resource
        and e.version = y.version
        and e.settled_at is null
        and e.decision <> d.id
      offset 0
    ) e
    union all
    select e.id
    from jsonb_to_recordset(d.premise_predicates)
      as f (scope text, kind text, label text, value text)
    cross join lateral (
      select y.resource, y.version
      from foreword_private.yielding y
      where
        y.key = foreword_code.member_key(f.scope, f.kind, f.label, f.value)
        and pg_visible_in_snapshot(y.at::text::xid8, d.snapshot)
      offset 0
    ) y
    cross join lateral (
      select e.id
      from foreword_private.entry e
      where e.resource = y.resource and e.version = y.version and e.settled_at is null
      offset 0
    ) e
  ) o
  where d.id = any (p_decisions)
  group by d.id;
end
$$;
