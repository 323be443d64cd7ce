-- Whether a worker lives: its session holds the advisory lock (20141, its number).
create function foreword_code.worker_lives(p_worker bigint) returns boolean
language sql stable
return exists (
  select
  from pg_locks l
  where
    l.locktype = 'advisory'
    and l.classid = 20141
    and l.objsubid = 2
    and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and l.objid::bigint = p_worker
);
