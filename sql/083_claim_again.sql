-- Leases stale decisions to a worker that knows these deciders. At most five times each: what throws or loses every
-- time is given up. What nobody has known for a day is left as it is, lest a decider that is registered much later
-- decides on what everybody has forgotten; the days of a pause do not count.
create function foreword_code.claim_again(p_worker bigint, p_deciders text[], p_max integer)
returns table (decision uuid, scope text, decider text, actor text, input jsonb, why text, tries integer)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  lease constant interval := '1 min';
begin
  update foreword_private.again a
  set
    ended_at = clock_timestamp(),
    outcome = case when a.tries >= 5 then 'gave_up' else 'expired' end,
    worker = null
  where
    a.ended_at is null
    and a.due_at <= clock_timestamp()
    and (
      a.tries >= 5
      or (
        a.since < clock_timestamp() - interval '24 h'
        and not exists (
          select
          from foreword_private.decision d
          join foreword_private.pause p on p.scope = d.scope
          where d.id = a.decision and p.resumed_at > clock_timestamp() - interval '24 h'
        )
      )
    )
    and a.decision not in (select p.decision from foreword_code.again_paused() as p (decision));

  return query
  with due as (
    select a.decision
    from foreword_private.again a
    where
      a.ended_at is null
      and a.decider = any (p_deciders)
      and a.due_at <= clock_timestamp()
      and a.decision not in (select p.decision from foreword_code.again_paused() as p (decision))
    order by a.due_at
    limit p_max
    for update skip locked
  ),
  leased as (
    update foreword_private.again a
    set
      worker = p_worker,
      tries = a.tries + 1,
      due_at = clock_timestamp() + lease
    from due
    where a.decision = due.decision
    returning a.decision, a.why, a.tries
  )
  select l.decision, d.scope, d.decider, d.actor, d.input, l.why, l.tries
  from leased l
  join foreword_private.decision d on d.id = l.decision;
end
$$;
