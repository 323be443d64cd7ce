-- Of these entries those that others may wait for from now on: until this transaction has committed nobody
-- settles them. Left out are those that somebody is moving just now, for nobody waits here.
create function foreword_code.hold_open(p_entries bigint[]) returns bigint[]
language sql
return array(
  select e.id
  from foreword_private.entry e
  -- Found by their ids, never by the index of what is open.
  where e.id = any (p_entries) and coalesce(e.settled_at, 'infinity') = 'infinity'
  order by e.id
  for share skip locked
);
