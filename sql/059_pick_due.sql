-- Work that is due, at most p_slots of each kind, its rows locked. Ready to be attempted means: all earlier
-- versions of the resource, and all that the intent comes after, are through. SKIP LOCKED: workers never
-- wait for each other. p_closed: kinds and scopes (kind, chr(31), scope) of which nothing is wanted.
create function foreword_code.pick_due(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_closed text[]
) returns table (resource uuid, version bigint, state text, decision uuid, timeout_ms integer)
language sql as $$
  select d.resource, d.version, d.state, d.decision, k.timeout_ms
  from unnest(p_kinds, p_slots, p_timeouts_ms) as k (kind, slots, timeout_ms)
  cross join lateral (
    select e.resource, e.version, e.state, e.decision
    from foreword_private.entry e
    where
      e.kind = k.kind
      and e.due_at <= clock_timestamp()
      and (p_closed is null or e.kind || chr(31) || e.scope <> all (p_closed))
      and (
        e.state <> 'pending'
        or (
          not exists (
            select
            from foreword_private.entry p
            where p.resource = e.resource and p.version < e.version and p.settled_at is null
          )
          and not exists (
            select
            from unnest(e.after_resources, e.after_versions) as a (resource, version)
            cross join lateral (
              select
              from foreword_private.entry p
              where p.resource = a.resource and p.version <= a.version and p.settled_at is null
              offset 0
            ) p
          )
        )
      )
    order by e.due_at
    limit k.slots
    for update of e skip locked
  ) d;
$$;
