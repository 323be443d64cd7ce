-- Whoever is found to wait is due no more, until what it waits for is through: each is asked as often as it is
-- let go, not with every claim.
create function foreword_code.pick_due(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_closed text[]
) returns table (resource uuid, version bigint, state text, decision uuid, timeout_ms integer)
language plpgsql as $$
#variable_conflict use_column
declare
  parked_at_once constant integer := 200;
  resources uuid[];
  versions bigint[];
  states text[];
  decisions uuid[];
  timeouts_ms integer[];
  spares boolean[];
  blockers bigint[];
  held bigint[];
  more integer := 0;
begin
  loop
    select
      array_agg(d.resource),
      array_agg(d.version),
      array_agg(d.state),
      array_agg(d.decision),
      array_agg(d.timeout_ms),
      array_agg(d.spare),
      array_agg(d.blocker)
    into resources, versions, states, decisions, timeouts_ms, spares, blockers
    from foreword_code.due_now(p_kinds, p_slots, p_timeouts_ms, p_closed, more) d;

    held := foreword_code.hold_open(array_remove(blockers, null));
    exit when cardinality(held) = 0;
    update foreword_private.entry e
    set
      due_at = null,
      waits_for = w.blocker
    from unnest(resources, versions, blockers) as w (resource, version, blocker)
    where e.resource = w.resource and e.version = w.version and w.blocker = any (held);
    more := parked_at_once;
  end loop;

  return query
  select w.resource, w.version, w.state, w.decision, w.timeout_ms
  from unnest(resources, versions, states, decisions, timeouts_ms, spares, blockers)
    as w (resource, version, state, decision, timeout_ms, spare, blocker)
  where w.blocker is null and not w.spare;
end
$$;
