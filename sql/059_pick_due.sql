-- Whoever is found to wait is due no more, until what it waits for is through: each is asked as often as it is
-- let go, not with every claim. Whoever would be attempted in a paused scope is set aside until that goes on;
-- outside of its window it is due when that opens.
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
  paused text[];
  has_windows boolean;
  ids bigint[];
  states text[];
  timeouts_ms integer[];
  spares boolean[];
  blockers bigint[];
  blocked bigint[];
  paused_scopes text[];
  held_scopes text[] := '{}';
  opening timestamptz[];
  held_open bigint[];
  more integer := 0;
begin
  select
    (select array_agg(p.scope) from foreword_private.pause p where p.resumed_at is null),
    exists (select from foreword_private.policy p where p.position > 0 and p.windows is not null)
  into paused, has_windows;
  loop
    select
      array_agg(d.id),
      array_agg(d.state),
      array_agg(d.timeout_ms),
      array_agg(d.spare),
      array_agg(d.blocker),
      array_agg(d.paused_scope),
      array_agg(d.opens_at)
    into ids, states, timeouts_ms, spares, blockers, paused_scopes, opening
    from foreword_code.due_now(p_kinds, p_slots, p_timeouts_ms, p_closed, more, paused, has_windows) d;
    exit when ids is null;

    blocked := array_remove(blockers, null);
    held_open := case when cardinality(blocked) > 0 then foreword_code.hold_open(blocked) else '{}' end;
    if paused is not null then
      held_scopes := foreword_code.hold_paused(array_remove(paused_scopes, null));
    end if;
    exit when
      cardinality(held_open) = 0
      and cardinality(held_scopes) = 0
      and (not has_windows or cardinality(array_remove(opening, null)) = 0);
    update foreword_private.entry e
    set
      due_at = w.opens_at,
      waits_for = w.blocker,
      held = w.scope is not null,
      held_until = w.opens_at
    from unnest(ids, blockers, paused_scopes, opening) as w (id, blocker, scope, opens_at)
    where
      e.id = w.id
      and (
        w.blocker = any (held_open)
        or w.scope = any (held_scopes)
        or w.opens_at is not null
      );
    more := parked_at_once;
  end loop;

  return query
  select w.id, w.state, w.timeout_ms
  from unnest(ids, states, timeouts_ms, spares, blockers, paused_scopes, opening)
    as w (id, state, timeout_ms, spare, blocker, scope, opens_at)
  where w.blocker is null and w.scope is null and w.opens_at is null and not w.spare;
end
$$;
