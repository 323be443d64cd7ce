-- The order of application, in a database where decisions commit in any order:
--   ww  an intent waits for earlier versions of its resource;
--   wr  all intents of a decision wait for what it read: the intent of each version that it relied on;
--   rw  the intent that replaces a version waits for all intents of those who read it.
-- ARCHITECTURE.md, "The order of application", has the rule, why nobody waits in a circle, and what is left out.
-- wr is a matter of decisions, and is seen to here; ww, rw and `needs` are one of intents (059_pick_due.sql).
--
-- Places what has committed since the last time, or what it waited for has settled. The everyday case, set-based: most
-- decisions are certified in passing and wait for nothing. Run by every claim before it picks, in its transaction.
create function foreword_code.place() returns void
language plpgsql as $$
#variable_conflict use_column
declare
  decisions_max constant integer := 1000;
  found_now uuid[];
  places tid[];
  fresh uuid[];
  -- None of them has counted or asked for anything.
  plain boolean;
  -- What they have read, side by side: by whom, who wrote that, and who has written the next version.
  readers uuid[];
  resources uuid[];
  versions bigint[];
  writers uuid[];
  movers uuid[];
  -- What was read has come true: it was certified, and nothing before it is open.
  through boolean[];
  aparts boolean[];
  disturbed uuid[] := '{}';
  waiting uuid[];
  blockers bigint[];
  held bigint[];
begin
  -- Waited for, not skipped: what another claim is placing must be seen as placed by whoever picks. All lock
  -- in the same order.
  with found as materialized (
    select
      d.id,
      d.ctid as place,
      d.certified_at,
      d.apart,
      d.premise_resources,
      d.premise_versions,
      d.premise_counters = '[]' and d.premise_predicates = '[]' as plain
    from foreword_private.decision d
    where d.unplaced and not d.abandoned
    order by d.decided_at, d.id
    limit decisions_max
    for update
  ),
  relied as (
    select
      f.id,
      p.resource,
      p.version,
      f.apart,
      e.decision as writer,
      coalesce(e.state = 'confirmed', false) as through,
      n.decision as mover
    from found f
    cross join lateral unnest(f.premise_resources, f.premise_versions) as p (resource, version)
    left join lateral (
      select e.decision, e.state
      from foreword_private.entry e
      where e.resource = p.resource and e.version = p.version
      offset 0
    ) e on true
    left join lateral (
      select n.decision
      from foreword_private.entry n
      where n.resource = p.resource and n.version = p.version + 1
      offset 0
    ) n on true
  )
  select f.*, r.*
  into found_now, places, fresh, plain, readers, resources, versions, writers, movers, through, aparts
  from (
    select
      array_agg(f.id) as ids,
      array_agg(f.place) as places,
      coalesce(array_agg(f.id) filter (where f.certified_at is null), '{}') as fresh,
      bool_and(f.plain) as plain
    from found f
  ) f
  cross join (
    select
      array_agg(r.id) as readers,
      array_agg(r.resource) as resources,
      array_agg(r.version) as versions,
      array_agg(r.writer) as writers,
      array_agg(r.mover) as movers,
      array_agg(r.through) as through,
      array_agg(r.apart) as aparts
    from relied r
  ) r;
  if found_now is null then
    return;
  end if;

  if cardinality(fresh) > 0 then
    disturbed := foreword_code.disturbed_of(fresh, plain, readers, writers, movers, through);
    insert into foreword_private.premise (resource, version, decision)
    select r.resource, r.version, r.reader
    from unnest(readers, resources, versions, movers) as r (reader, resource, version, mover)
    where
      r.reader = any (fresh)
      -- Whoever replaces it himself, and writes nothing else, is found as the writer of the next version.
      and (
        r.mover is distinct from r.reader
        or exists (
          select
          from (
            select e.resource
            from foreword_private.entry e
            where e.decision = r.reader
            offset 0
          ) e
          where e.resource <> r.resource
        )
      )
    on conflict do nothing;
    if not plain then
      perform foreword_code.spread_asked(fresh);
    end if;
  end if;
  perform foreword_code.note_yielding(found_now);

  if
    plain
    and not exists (
      select from foreword_private.decision s where s.compensation = 'all_or_compensate'
    )
  then
    select array_agg(o.reader), array_agg(o.blocker)
    into waiting, blockers
    from (
      select r.reader, max(o.id) as blocker
      from unnest(readers, resources, versions, through, aparts)
        as r (reader, resource, version, through, apart)
      cross join lateral (
        select e.id
        from foreword_private.entry e
        where e.resource = r.resource and e.version <= r.version and e.settled_at is null
        order by e.version desc
        limit 1
      ) o
      where not r.through and not r.apart and r.reader <> all (disturbed)
      group by r.reader
    ) o;
  else
    select array_agg(o.decision), array_agg(o.entry)
    into waiting, blockers
    from foreword_code.relied_on_open(found_now) o
    where o.decision <> all (disturbed);
  end if;
  held := case when blockers is null then '{}' else foreword_code.hold_open(blockers) end;

  update foreword_private.decision d
  set
    certified_at = coalesce(d.certified_at, case when d.id <> all (disturbed) then clock_timestamp() end),
    -- Whom it could not hold it asks for again.
    unplaced = p.blocker is not null and p.blocker <> all (held),
    waits_for = case when p.blocker = any (held) then p.blocker end
  from (
    select f.place, w.blocker
    from unnest(found_now, places) as f (id, place)
    left join unnest(waiting, blockers) as w (id, blocker) on w.id = f.id
  ) p
  -- Where it is, for it is locked.
  where d.ctid = p.place;

  if blockers is not null then
    update foreword_private.entry e
    set due_at = null
    from (
      select e.resource, e.version
      from foreword_private.entry e
      where
        e.decision = any (waiting)
        and e.state = 'pending'
        -- Not by the index of what is due.
        and coalesce(e.due_at, 'infinity') < 'infinity'
      for update skip locked
    ) p
    where e.resource = p.resource and e.version = p.version;
  end if;
  if cardinality(fresh) < cardinality(found_now) then
    update foreword_private.entry e
    set due_at = clock_timestamp()
    from foreword_private.decision d
    where
      d.id = any (found_now)
      and d.id <> all (fresh)
      and not d.unplaced
      and d.waits_for is null
      and e.decision = d.id
      and e.state = 'pending'
      and e.due_at is null
      and e.waits_for is null;
  end if;
end
$$;
