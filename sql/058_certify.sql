-- Judges one decision some of whose premises have next versions by now. Null: it closes no cycle, and is
-- certified. Else the reason for which it must not be carried out: Postgres has missed a conflict (it
-- forgets them once too many transactions have committed during one of them), or a decision that comes
-- after it in the serial order had been carried out before it committed.
--
-- Searched from the decision along its edges, breadth first. Who saw this decision committed cannot have
-- committed before it, so paths through such are left to the certification of the last of their members.
create function foreword_code.judge(p_decision uuid) returns text
language plpgsql as $$
#variable_conflict use_column
declare
  decisions_max constant integer := 5000;
  judged foreword_private.decision;
  late text;
  seen uuid[] := array[p_decision];
  frontier uuid[] := array[p_decision];
  froms uuid[];
  tos uuid[];
  whys text[];
  path_from uuid[] := '{}';
  path_to uuid[] := '{}';
  path_why text[] := '{}';
begin
  select * into judged from foreword_private.decision d where d.id = p_decision;
  select format('%s, which comes after it, was carried out before it had committed', s.decider)
  into late
  from foreword_code.successors(frontier) x
  join foreword_private.decision s on s.id = x.successor
  join foreword_private.entry e on e.decision = s.id and e.cause = 'intent'
  join foreword_private.attempt a on a.entry = e.id and a.started_at < judged.decided_at
  where x.edge = 'rw' and not foreword_code.is_withdrawn(e.cause, e.state)
  limit 1;
  if late is null then
    -- What replaces a version waits for those who read it, as far as they were placed when it was picked.
    select format('%s, which comes after it, was carried out before it was placed', s.decider)
    into late
    from unnest(judged.premise_resources, judged.premise_versions) as p (resource, version)
    join foreword_private.entry e
      on e.resource = p.resource
      and e.version > p.version
      and e.cause = 'intent'
      and e.attempts > 0
      and e.decision <> p_decision
    join foreword_private.decision s on s.id = e.decision
    where not judged.apart and not foreword_code.is_withdrawn(e.cause, e.state)
    limit 1;
  end if;
  if late is not null then
    return late;
  end if;

  -- Its own premises first: the last edge of a circle may lead from what another wrote to what it read.
  perform foreword_code.spread_premises(frontier);
  while cardinality(frontier) > 0 loop
    select array_agg(x.decision), array_agg(x.successor), array_agg(x.why)
    into froms, tos, whys
    from (
      select distinct on (x.successor) x.decision, x.successor, x.why
      from foreword_code.successors(frontier) x
      join foreword_private.decision s on s.id = x.successor
      where
        x.successor = p_decision
        or (
          x.successor <> all (seen)
          and not pg_visible_in_snapshot(judged.xid, s.snapshot)
        )
      order by x.successor
    ) x;
    path_from := path_from || coalesce(froms, '{}');
    path_to := path_to || coalesce(tos, '{}');
    path_why := path_why || coalesce(whys, '{}');
    if p_decision = any (tos) then
      return foreword_code.tell_cycle(p_decision, path_from, path_to, path_why);
    end if;
    frontier := coalesce(tos, '{}');
    seen := seen || frontier;
    if cardinality(seen) > decisions_max then
      return format('its place among more than %s decisions could not be found', decisions_max);
    end if;
  end loop;

  -- Placed once more: it may have to wait for what it relied on.
  update foreword_private.decision d
  set
    certified_at = clock_timestamp(),
    unplaced = true
  where d.id = p_decision;
  perform foreword_code.spread_premises(array[p_decision]);
  return null;
end
$$;

-- Judges a decision before any of its intents is attempted, and before it those that it relied on and that
-- nobody has judged. No row: it is certified. Else which of them must not be carried out, and why; whoever
-- asks takes that one back, and with it all that relied on it, before anybody else judges.
create function foreword_code.certify(p_decision uuid)
returns table (decision uuid, why text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
  together uuid[];
begin
  -- Alone: a claim under way may certify a neighbour whose premises are not to be seen yet.
  perform pg_advisory_xact_lock(20143);
  -- Not as a condition of the query below: it would be asked anew for each decision of the log.
  together := foreword_code.uncertified(array[p_decision]);
  for decision in
    select d.id
    from foreword_private.decision d
    where d.id = any (together)
    order by d.decided_at
  loop
    why := foreword_code.judge(decision);
    if why is not null then
      return next;
      return;
    end if;
  end loop;
end
$$;
