-- What came of deciding again, where nothing was written; no outcome: it is to be tried once more, in so long.
-- (A decision that was written has told by itself: 031_decided_again.sql.)
create function foreword_code.end_again(
  p_worker bigint,
  p_decision uuid,
  p_outcome text,
  p_due_in_ms bigint
) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  update foreword_private.again a
  set
    worker = null,
    due_at = coalesce(clock_timestamp() + p_due_in_ms * interval '1 ms', a.due_at),
    ended_at = case when p_outcome is not null then clock_timestamp() end,
    outcome = p_outcome
  where a.decision = p_decision and a.worker = p_worker and a.ended_at is null;
$$;
