-- Takes over what dead workers left: their open attempts become unknown outcomes. (Until the
-- attempt's own deadline the dead worker's bytes may still arrive; the lifecycle knows.)
-- A worker lives as long as some session holds the advisory lock (20141, its id). Idempotent.
create function foreword_code.sweep() returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  dead bigint[];
  taken integer;
begin
  perform foreword_code.let_go_forgotten();
  perform foreword_code.let_go_resumed();
  perform foreword_code.free_again();
  -- From one worker that has something in hand to the next: never all that is open, which may be ever so much.
  with recursive busy as (
    select min(e.worker) as worker
    from foreword_private.entry e
    where e.worker is not null
    union all
    select (select min(e.worker) from foreword_private.entry e where e.worker > b.worker)
    from busy b
    where b.worker is not null
  ),
  alive as materialized (
    select l.objid::bigint as worker
    from pg_locks l
    where
      l.locktype = 'advisory'
      and l.classid = 20141
      and l.objsubid = 2
      and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
  )
  select array_agg(b.worker)
  into dead
  from busy b
  where b.worker is not null and not exists (select from alive a where a.worker = b.worker);
  if dead is null then
    return 0;
  end if;

  with left_behind as (
    select e.resource, e.version, e.id, e.attempts, e.worker, e.state
    from foreword_private.entry e
    where e.worker = any (dead)
    for update of e skip locked
  ),
  lost as (
    update foreword_private.attempt a
    set
      outcome = 'in_doubt',
      ended_at = clock_timestamp(),
      error_class = 'worker_lost',
      error = format('worker %s died with the call open', b.worker)
    from left_behind b
    where b.state = 'applying' and a.entry = b.id and a.number = b.attempts and a.outcome is null
  ),
  freed as (
    update foreword_private.entry e
    set
      state = case when b.state = 'applying' then 'in_doubt' else b.state end,
      epoch = e.epoch + 1,
      worker = null,
      looks = 0,
      reason = case when b.state = 'applying' then format('worker %s died with the call open', b.worker) else e.reason end,
      due_at = clock_timestamp()
    from left_behind b
    where e.resource = b.resource and e.version = b.version
    returning 1
  )
  select count(*) into taken from freed;
  return taken;
end
$$;
