-- Those who waited for these entries, which are through: intents are due, decisions placed again, since they
-- may wait for something else. Called after what it is told of was written: whoever wants to wait locks what it
-- waits for, so that it is either seen here, or sees that there is nothing to wait for any more.
create function foreword_code.let_go(p_entries bigint[]) returns void
language plpgsql as $$
begin
  update foreword_private.entry e
  set
    waits_for = null,
    due_at = case when e.settled_at is null then clock_timestamp() end
  where e.waits_for = any (p_entries);
  update foreword_private.decision d
  set
    waits_for = null,
    unplaced = true
  where d.waits_for = any (p_entries);
end
$$;
