-- Those who waited for these entries, which are through: intents are due, decisions placed again, since they
-- may wait for something else. Called after what it is told of was written: whoever wants to wait locks what it
-- waits for, so that it is either seen here, or sees that there is nothing to wait for any more.
-- Whom somebody else has locked, a person who rules on it in a transaction of his own above all, is left to the sweep
-- (052_let_go_forgotten.sql): who settles has the outcomes of strangers in hand, and waits for nobody.
create function foreword_code.let_go(p_entries bigint[]) returns void
language plpgsql as $$
declare
  intents bigint[] := array(
    select e.id
    from foreword_private.entry e
    where e.waits_for = any (p_entries)
    for update skip locked
  );
  decisions uuid[] := array(
    select d.id
    from foreword_private.decision d
    where d.waits_for = any (p_entries)
    for update skip locked
  );
begin
  if cardinality(intents) > 0 then
    update foreword_private.entry e
    set
      waits_for = null,
      due_at = case when e.settled_at is null then clock_timestamp() end
    where e.id = any (intents);
  end if;
  if cardinality(decisions) > 0 then
    update foreword_private.decision d
    set
      waits_for = null,
      unplaced = true
    where d.id = any (decisions);
  end if;
end
$$;
