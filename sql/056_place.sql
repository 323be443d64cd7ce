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
  fresh uuid[];
  -- None of them has counted or asked for anything.
  plain boolean;
  disturbed uuid[] := '{}';
  waiting uuid[];
  blockers bigint[];
  held bigint[];
begin
  -- Waited for, not skipped: what another claim is placing must be seen as placed by whoever picks. All lock
  -- in the same order.
  select
    array_agg(d.id),
    coalesce(array_agg(d.id) filter (where d.certified_at is null), '{}'),
    bool_and(d.premise_counters = '[]' and d.premise_predicates = '[]')
  into found_now, fresh, plain
  from (
    select d.id, d.certified_at, d.premise_counters, d.premise_predicates
    from foreword_private.decision d
    where d.unplaced and not d.abandoned
    order by d.decided_at, d.id
    limit decisions_max
    for update
  ) d;
  if found_now is null then
    return;
  end if;

  if cardinality(fresh) > 0 then
    disturbed := foreword_code.disturbed_of(fresh, plain);
    perform foreword_code.spread_premises(fresh, plain);
  end if;
  perform foreword_code.note_yielding(found_now);

  select array_agg(o.decision), array_agg(o.entry)
  into waiting, blockers
  from foreword_code.relied_on_open(found_now, plain) o
  where o.decision <> all (disturbed);
  held := case when blockers is null then '{}' else foreword_code.hold_open(blockers) end;

  update foreword_private.decision d
  set
    certified_at = coalesce(d.certified_at, case when d.id <> all (disturbed) then clock_timestamp() end),
    -- Whom it could not hold it asks for again.
    unplaced = p.blocker is not null and p.blocker <> all (held),
    waits_for = case when p.blocker = any (held) then p.blocker end
  from (
    select f.id, w.blocker
    from unnest(found_now) as f (id)
    left join unnest(waiting, blockers) as w (id, blocker) on w.id = f.id
  ) p
  where d.id = p.id;

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
