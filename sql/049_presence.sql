-- A process that applies says that it is there, and is given its number. It lives as long as its session
-- holds the advisory lock (20141, that number): src/store/worker-presence.ts takes it.
create function foreword_code.enter_worker(
  p_host text,
  p_pid integer,
  p_version text,
  p_kinds text[]
) returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into foreword_private.worker (host, pid, version, kinds)
  values (p_host, p_pid, p_version, p_kinds)
  returning id;
$$;

create function foreword_code.leave_worker(p_worker bigint) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  update foreword_private.worker w
  set stopped_at = clock_timestamp()
  where w.id = p_worker;
$$;
