-- Whoever is found to wait is due no more, until what it waits for is through: each is asked as often as it is
-- let go, not with every claim. Whoever would be attempted in a paused scope is set aside until that goes on.
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
  paused constant text[] := (
    select array_agg(p.scope) from foreword_private.pause p where p.resumed_at is null
  );
  ids bigint[];
  states text[];
  timeouts_ms integer[];
  spares boolean[];
  blockers bigint[];
  blocked bigint[];
  paused_scopes text[];
  held_open bigint[];
  held_scopes text[] := '{}';
  more integer := 0;
begin
  loop
    select
      array_agg(d.id),
      array_agg(d.state),
      array_agg(d.timeout_ms),
      array_agg(d.spare),
      array_agg(d.blocker),
      array_agg(d.paused_scope)
    into ids, states, timeouts_ms, spares, blockers, paused_scopes
    from foreword_code.due_now(p_kinds, p_slots, p_timeouts_ms, p_closed, more, paused) d;

    blocked := array_remove(blockers, null);
    if paused is not null then
      held_scopes := foreword_code.hold_paused(array_remove(paused_scopes, null));
    end if;
    exit when blocked is null or (cardinality(blocked) = 0 and cardinality(held_scopes) = 0);
    held_open := case when cardinality(blocked) > 0 then foreword_code.hold_open(blocked) else '{}' end;
    exit when cardinality(held_open) = 0 and cardinality(held_scopes) = 0;
    update foreword_private.entry e
    set
      due_at = null,
      waits_for = w.blocker,
      held = w.scope is not null
    from unnest(ids, blockers, paused_scopes) as w (id, blocker, scope)
    where e.id = w.id and (w.blocker = any (held_open) or w.scope = any (held_scopes));
    more := parked_at_once;
  end loop;

  return query
  select w.id, w.state, w.timeout_ms
  from unnest(ids, states, timeouts_ms, spares, blockers, paused_scopes)
    as w (id, state, timeout_ms, spare, blocker, scope)
  where w.blocker is null and w.scope is null and not w.spare;
end
$$;
