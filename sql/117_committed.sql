-- Whether a decision whose COMMIT got no answer has committed. Its id is inserted as a tombstone: the insert
-- waits on the unique key until the lost transaction has ended, so the answer is final. Should the lost
-- transaction not even have inserted its row, the tombstone is first, and it fails on the key when it does.
-- A SELECT instead would be wrong in a third of cases: "not there" may still commit.
create function foreword.committed(id uuid) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if committed.id is null then
    raise exception 'foreword.committed needs the id of a decision'
      using errcode = 'FW028', hint = 'The id that foreword.decide was given, or has returned.';
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'foreword.committed needs a READ COMMITTED transaction of its own, this one is %',
      upper(current_setting('transaction_isolation'))
      using errcode = 'FW001', hint = 'Call it outside of any transaction; if sessions begin at another level: begin isolation level read committed';
  end if;
  insert into foreword_private.decision (id, scope, decider, abandoned)
  values (committed.id, '', 'foreword/tombstone', true)
  on conflict do nothing;
  return not exists (
    select
    from foreword_private.decision d
    where d.id = committed.id and d.abandoned
  );
end
$$;
comment on function foreword.committed(uuid) is
  'After a COMMIT without an answer: true, the decision of this id has committed; false, it never can. Waits until the lost transaction has ended (lock_timeout applies: ask again on 55P03). FW001: inside of another transaction.';
