-- Stale decisions that dead workers had leased are due at once.
create function foreword_code.free_again() returns void
language sql as $$
  update foreword_private.again a
  set
    worker = null,
    due_at = clock_timestamp()
  where
    a.ended_at is null
    and a.worker is not null
    and not exists (
      select
      from pg_locks l
      where
        l.locktype = 'advisory'
        and l.classid = 20141
        and l.objsubid = 2
        and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and l.objid::bigint = a.worker
    );
$$;
