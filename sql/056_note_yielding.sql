-- Notes which intents of these decisions give back what others may have counted on.
create function foreword_code.note_yielding(p_decisions uuid[]) returns void
language plpgsql as $$
declare
  givers uuid[] := array(
    select q.decision
    from foreword_private.quota_entry q
    where q.decision = any (p_decisions) and q.amount < 0
    union
    select m.decision
    from foreword_private.member_entry m
    where m.decision = any (p_decisions) and not m.entered
  );
begin
  -- Most give nothing back.
  if cardinality(givers) = 0 then
    return;
  end if;
  insert into foreword_private.yielding (key, at, resource, version)
  select y.key, y.at, e.resource, e.version
  from unnest(givers) as d (id)
  cross join lateral (
    select
      foreword_code.counter_key(q.scope, q.metric) as key,
      q.version as at,
      null::uuid as resource,
      null::bigint as version
    from foreword_private.quota_entry q
    where q.decision = d.id and q.amount < 0
    union all
    select
      foreword_code.member_key(m.scope, m.kind, m.label, m.value),
      m.xid::text::bigint,
      m.resource,
      m.version
    from foreword_private.member_entry m
    where m.decision = d.id and not m.entered
    offset 0
  ) y
  cross join lateral (
    select e.resource, e.version, e.verb, e.settled_at
    from foreword_private.entry e
    where e.decision = d.id
    offset 0
  ) e
  where
    e.settled_at is null
    and (
      e.verb <> 'create'
      -- A smaller one in place of a larger one that is still to be deleted, and counted until then.
      or exists (
        select
        from (
          select p.counters
          from foreword_private.entry p
          where p.resource = e.resource and p.version = e.version - 1
          offset 0
        ) p
        where y.resource is null and p.counters <> '{}'
      )
    )
    and (y.resource is null or (e.resource = y.resource and e.version = y.version))
  on conflict do nothing;
end
$$;
