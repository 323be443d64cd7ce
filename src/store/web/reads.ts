/**
 * What the page shows, from the public views only. It is read every few seconds while somebody looks,
 * on logs of any length: each query is bounded by an index of what is open or newest, never by the log.
 */
import type {
  BacklogRow,
  ConflictRow,
  HealthRow,
  IntentRow,
  Overview,
  ResourceRow,
  ScheduleRow,
  WorkerRow,
} from '../../domain/web-ports.ts'
import type { WebReads } from '../../domain/web-story-ports.ts'
import type { Sql, TransactionSql } from '../connect.ts'
import { readPace } from './pace.ts'
import { readParked } from './parked.ts'
import { readSearch } from './search.ts'
import { reading, takenAt } from './session.ts'
import { readDecisionStory, readIntentStory, readResourceStory } from './stories.ts'
import { readMachinery, readWaitGraph } from './works.ts'

const readHealth = (tx: TransactionSql) => tx<HealthRow[]>`
  select
    h.pending,
    h.applying,
    h.applied,
    h.in_doubt,
    h.awaiting_approval,
    h.oldest_due_s,
    h.waits_for_a_person,
    h.drifted_paths,
    h.unwell_accounts,
    h.paused_scopes,
    h.paused_intents,
    h.live_workers,
    h.dead_workers,
    h.ssi_margin
  from foreword.health h`

const readBacklog = (tx: TransactionSql) => tx<BacklogRow[]>`
  select b.scope, b.kind, b.state, b.count, b.oldest, b.next_due
  from foreword.backlog b
  order by b.count desc, b.oldest
  limit 15`

/** From what is open to the resource, for the view itself would be read as a whole. */
const readOutOfSync = (tx: TransactionSql) => tx<ResourceRow[]>`
  with open as materialized (
    select o.scope, o.kind, o.name, min(o.rank) as rank, min(o.since) as since
    from (
      select
        i.scope,
        i.kind,
        i.name,
        case when i.state in ('in_doubt', 'rejected', 'awaiting_approval') then 0 else 2 end as rank,
        i.decided_at as since
      from foreword.intent i
      where i.settled_at is null
      union all
      select d.scope, d.kind, d.name, 1, d.since
      from foreword.drift d
    ) o
    group by o.scope, o.kind, o.name
    order by rank, since
    limit 12
  )
  select r.scope, r.kind, r.name, r.labels, r.version, r.condition, r.reason, r.since
  from open o
  join foreword.resource r on r.scope = o.scope and r.kind = o.kind and r.name = o.name
  where not r.in_sync
  order by o.rank, o.since`

const readIntents = (tx: TransactionSql) => tx<IntentRow[]>`
  select
    i.id,
    i.scope,
    i.kind,
    i.name,
    i.verb,
    i.state,
    i.reason,
    i.attempts,
    i.decided_at,
    i.settled_at
  from foreword.intent i
  order by i.id desc
  limit 15`

const readConflicts = (tx: TransactionSql) => tx<ConflictRow[]>`
  select c.at, c.scope, c.decider, c.tries, c.sqlstate
  from foreword.conflict c
  order by c.at desc
  limit 8`

/** Who stopped by himself is of no interest any more. */
const readWorkers = (tx: TransactionSql) => tx<WorkerRow[]>`
  select w.id, w.host, w.pid, w.version, w.started_at, w.alive, w.running, w.kinds
  from foreword.worker w
  where w.alive or w.stopped_at is null
  order by w.alive desc, w.id desc
  limit 12`

const readSchedules = (tx: TransactionSql) => tx<ScheduleRow[]>`
  select
    s.name,
    s.cron,
    s.scope,
    s.kind,
    s.decider,
    s.last_started_at,
    s.last_ended_at,
    s.last_outcome
  from foreword.schedule s
  order by s.last_started_at desc nulls last, s.name
  limit 20`

const readOverview = async (tx: TransactionSql): Promise<Overview> => {
  const [taken_at, [health], pace, backlog, out_of_sync, intents, conflicts, workers, schedules] =
    await Promise.all([
      takenAt(tx),
      readHealth(tx),
      readPace(tx),
      readBacklog(tx),
      readOutOfSync(tx),
      readIntents(tx),
      readConflicts(tx),
      readWorkers(tx),
      readSchedules(tx),
    ])
  if (health === undefined) throw new Error('foreword.health has no row')
  return { taken_at, health, pace, backlog, out_of_sync, intents, conflicts, workers, schedules }
}

/** Reads of one snapshot each, in transactions that cannot write. */
export const webReads = (sql: Sql): WebReads => {
  const read = reading(sql)
  return {
    health: async () => {
      const [health] = await read(readHealth)
      if (health === undefined) throw new Error('foreword.health has no row')
      return health
    },
    overview: () => read(readOverview),
    search: (search) => read((tx) => readSearch(tx, search)),
    resource: (key) => read((tx) => readResourceStory(tx, key)),
    intent: (id) => read((tx) => readIntentStory(tx, id)),
    decision: (id) => read((tx) => readDecisionStory(tx, id)),
    parked: () => read(readParked),
    machinery: () => read(readMachinery),
    waiting: () => read(readWaitGraph),
  }
}
