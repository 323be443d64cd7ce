-- Whoever is found to wait is due no more, until what it waits for is through: each is asked as often as it is
-- let go, not with every claim.
create function foreword_code.pick_due(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_closed text[]
) returns table (id bigint, state text, timeout_ms integer)
language plpgsql as $$
#variable_conflict use_column
declare
  parked_at_once constant integer := 200;
  ids bigint[];
  states text[];
  timeouts_ms integer[];
  spares boolean[];
  blockers bigint[];
  blocked bigint[];
  held bigint[];
  more integer := 0;
begin
  loop
    select
      array_agg(d.id),
      array_agg(d.state),
      array_agg(d.timeout_ms),
      array_agg(d.spare),
      array_agg(d.blocker)
    into ids, states, timeouts_ms, spares, blockers
    from foreword_code.due_now(p_kinds, p_slots, p_timeouts_ms, p_closed, more) d;

    blocked := array_remove(blockers, null);
    exit when blocked is null or cardinality(blocked) = 0;
    held := foreword_code.hold_open(blocked);
    exit when cardinality(held) = 0;
    update foreword_private.entry e
    set
      due_at = null,
      waits_for = w.blocker
    from unnest(ids, blockers) as w (id, blocker)
    where e.id = w.id and w.blocker = any (held);
    more := parked_at_once;
  end loop;

  return query
  select w.id, w.state, w.timeout_ms
  from unnest(ids, states, timeouts_ms, spares, blockers)
    as w (id, state, timeout_ms, spare, blocker)
  where w.blocker is null and not w.spare;
end
$$;
