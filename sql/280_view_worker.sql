-- Processes that apply, and whether they live.
create view foreword.worker as
select
  w.id,
  w.host,
  w.pid,
  w.version,
  w.started_at,
  w.stopped_at,
  exists (
    select
    from pg_locks l
    where
      l.locktype = 'advisory'
      and l.classid = 20141
      and l.objid::bigint = w.id
      and l.objsubid = 2
      and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
  ) as alive,
  (
    select count(*)
    from foreword_private.entry e
    where e.worker = w.id
  ) as running,
  w.kinds
from foreword_private.worker w;

comment on view foreword.worker is 'Processes that apply intents. One lives as long as its session holds its advisory lock.';
comment on column foreword.worker.id is 'Number of the worker.';
comment on column foreword.worker.host is 'Host it runs on.';
comment on column foreword.worker.pid is 'Process id there.';
comment on column foreword.worker.version is 'Version of foreword it runs.';
comment on column foreword.worker.started_at is 'When it started.';
comment on column foreword.worker.stopped_at is 'When it stopped by itself; null: it runs, or it died.';
comment on column foreword.worker.alive is 'True while its session holds its lock; on a standby never, since the primary alone has the locks.';
comment on column foreword.worker.running is 'Intents that it has leased now.';
comment on column foreword.worker.kinds is 'Kinds it has a provider for.';

-- Cron lines and how their last run went.
create view foreword.schedule as
select
  s.name,
  s.cron,
  s.scope,
  s.kind,
  s.decider,
  s.last_started_at,
  s.last_ended_at,
  case
    when
      s.last_started_at is not null
      and s.last_ended_at is null
      and not l.lives
      and not pg_is_in_recovery()
      then format('worker %s died in it', coalesce(s.worker::text, '?'))
    else s.last_outcome
  end as last_outcome,
  s.next_at,
  s.last_started_at is not null and s.last_ended_at is null and l.lives as running,
  s.worker,
  s.skipped,
  s.last_skipped_at
from foreword_private.schedule s
-- Spelled out, as in the view `worker`.
cross join lateral (
  select
    exists (
      select
      from pg_locks l
      where
        l.locktype = 'advisory'
        and l.classid = 20141
        and l.objid::bigint = s.worker
        and l.objsubid = 2
        and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
    ) as lives
) l
where s.dropped_at is null;

comment on view foreword.schedule is 'Schedules that the workers have in their configuration, and how each last run went. One that is gone from there leaves with the next worker that starts.';
comment on column foreword.schedule.name is 'Name of the schedule.';
comment on column foreword.schedule.cron is 'Five crontab fields, UTC.';
comment on column foreword.schedule.scope is 'Scope it reconciles or decides in.';
comment on column foreword.schedule.kind is 'Kind it reconciles; null: every kind.';
comment on column foreword.schedule.decider is 'Decider it runs; null: it reconciles.';
comment on column foreword.schedule.last_started_at is 'When its last run started.';
comment on column foreword.schedule.last_ended_at is 'When its last run ended; null: it runs, or its worker died.';
comment on column foreword.schedule.last_outcome is 'What came of its last run, in words; null: it runs, or never ran.';
comment on column foreword.schedule.next_at is 'When it runs next, as its worker said at the last run or when it started; null: never.';
comment on column foreword.schedule.running is 'True while a run is under way, and its worker lives; on a standby never.';
comment on column foreword.schedule.worker is 'Worker of the last run.';
comment on column foreword.schedule.skipped is 'Runs that were left out, since the one before was still under way.';
comment on column foreword.schedule.last_skipped_at is 'When that was last so.';
