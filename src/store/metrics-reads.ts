/**
 * What a scrape reads: from the public views, in one read-only transaction, a fixed number of statements. Each is
 * bounded by an index of what is open, never by the log.
 */
import type { MetricRows, ReadMetrics } from '../domain/telemetry-ports.ts'
import type { Sql, TransactionSql } from './connect.ts'
import { reading } from './web/session.ts'

type Row<K extends keyof MetricRows> = MetricRows[K] extends readonly (infer A)[]
  ? A
  : MetricRows[K]

const conflicts_max = 10_000
const accounts_max = 100
const schedules_max = 200
const versions_max = 20

/** Of each open intent one row is read here, and no statement below reads it again: `foreword.health` reads it thrice. */
const readBacklog = (tx: TransactionSql) => tx<Row<'backlog'>[]>`
  select
    b.kind,
    b.state,
    sum(b.count)::bigint as count,
    extract(epoch from clock_timestamp() - min(b.oldest))::double precision as oldest_s,
    extract(epoch from clock_timestamp() - min(b.next_due))::double precision as overdue_s
  from foreword.backlog b
  group by b.kind, b.state`

const readParked = (tx: TransactionSql) => tx<{ parked: number }[]>`
  select count(*) as parked
  from foreword.doubt d
  where d.waits_for_a_person`

const readPaused = (tx: TransactionSql) => tx<Row<'paused'>[]>`
  select count(*) as scopes, coalesce(sum(s.waiting), 0)::bigint as intents
  from foreword.scope s
  where s.paused`

const readDrift = (tx: TransactionSql) => tx<Row<'drift'>[]>`
  select
    d.kind,
    count(*) as paths,
    extract(epoch from clock_timestamp() - min(d.since))::double precision as oldest_s
  from foreword.drift d
  group by d.kind`

const readWorkers = (tx: TransactionSql) => tx<Row<'workers'>[]>`
  select w.version, w.alive, count(*) as count
  from foreword.worker w
  where w.alive or w.stopped_at is null and w.running > 0
  group by w.version, w.alive
  order by count(*) desc
  limit ${versions_max}`

const readAccounts = (tx: TransactionSql) => tx<Row<'accounts'>[]>`
  select b.account, b.health, b.tokens::double precision as tokens, b.burst
  from foreword.budget b
  where b.health <> 'well' or b.per_second is not null
  order by b.health <> 'well' desc, b.account
  limit ${accounts_max}`

const readSchedules = (tx: TransactionSql) => tx<Row<'schedules'>[]>`
  select
    s.name,
    s.running,
    extract(epoch from s.last_started_at)::double precision as started_s,
    extract(epoch from s.next_at)::double precision as next_s,
    s.skipped
  from foreword.schedule s
  order by s.name
  limit ${schedules_max}`

const readConflicts = (tx: TransactionSql) => tx<Row<'conflicts'>[]>`
  select c.sqlstate, count(*) as count
  from (
    select n.sqlstate
    from foreword.conflict n
    where n.at > now() - interval '5 minutes'
    order by n.at desc
    limit ${conflicts_max}
  ) c
  group by c.sqlstate`

/** By the login itself: a reader is not shown the transactions of others. */
const readServer = (sql: Sql) => sql<Row<'server'>[]>`
  select
    (
      select d.xact_commit
      from pg_stat_database d
      where d.datname = current_database()
    ) as commits,
    (
      select extract(epoch from clock_timestamp() - min(a.xact_start))::double precision
      from pg_stat_activity a
      where
        a.backend_type = 'client backend'
        and a.datname = current_database()
        and a.pid <> pg_backend_pid()
    ) as oldest_transaction_s,
    (
      select 10 * sum(s.setting::bigint)
      from pg_settings s
      where
        s.name in (
          'max_connections',
          'max_prepared_transactions',
          'autovacuum_max_workers',
          'max_worker_processes',
          'max_wal_senders'
        )
    )::bigint as ssi_margin`

const readAll = async (tx: TransactionSql): Promise<Omit<MetricRows, 'server'>> => {
  const [backlog, drift, [paused], workers, accounts, schedules, conflicts] = await Promise.all([
    readBacklog(tx),
    readDrift(tx),
    readPaused(tx),
    readWorkers(tx),
    readAccounts(tx),
    readSchedules(tx),
    readConflicts(tx),
  ])
  const doubts = backlog.some(({ state }) => state === 'in_doubt') ? await readParked(tx) : []
  if (paused === undefined) throw new Error('a count has no row')
  const parked = doubts[0]?.parked ?? 0
  return { backlog, parked, drift, paused, workers, accounts, schedules, conflicts }
}

export const metricsReads = (sql: Sql): ReadMetrics => {
  const read = reading(sql)
  return async () => {
    // Before the transaction that reads the rest, which would be the oldest one open itself.
    const [server] = await readServer(sql)
    if (server === undefined) throw new Error('the server told nothing of itself')
    return { server, ...(await read(readAll)) }
  }
}
