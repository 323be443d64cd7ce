/** What `foreword status` asks the views. */
import type { Sql } from '../store/connect.ts'
import { readUnserved, type Unserved } from './intents.ts'
import { readPauses, type Pause } from './pauses.ts'
import { readSchedules, type ScheduleRow } from './schedules.ts'

/** Rows of a table that a person still reads. */
const attention_max = 20

export interface Health {
  readonly pending: number
  readonly applying: number
  readonly applied: number
  readonly in_doubt: number
  readonly awaiting_approval: number
  readonly oldest_due_s: number
  readonly waits_for_a_person: number
  readonly drifted_paths: number
  readonly unwell_accounts: number
  /** Null: this is a standby, and does not know. */
  readonly live_workers: number | null
  readonly dead_workers: number | null
  readonly ssi_margin: number
  readonly paused_scopes: number
  readonly paused_intents: number
}

export interface Count {
  readonly scope: string
  readonly kind: string
  readonly condition: string
  readonly count: number
  readonly in_sync: number
}

export interface Attention {
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly condition: string
  readonly reason: string | null
  readonly since: Date
}

export interface Worker {
  readonly id: number
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly started_at: Date
  readonly alive: boolean
  readonly running: number
}

export interface Status {
  readonly health: Health
  readonly counts: readonly Count[]
  readonly backlog: readonly Record<string, unknown>[]
  /** What is neither ready nor meant to be gone: first what will not pass by itself, then the oldest. */
  readonly attention: readonly Attention[]
  readonly attention_count: number
  readonly paused: readonly Pause[]
  readonly schedules: readonly ScheduleRow[]
  /** Open work of kinds that no living worker has a provider for. */
  readonly unserved: readonly Unserved[]
  /** Those alive, and the dead whose leases nobody has taken over yet. */
  readonly workers: readonly Worker[]
}

const readWorkers = (sql: Sql): Promise<readonly Worker[]> => sql<Worker[]>`
      select w.id, w.host, w.pid, w.version, w.started_at, w.alive, w.running
      from foreword.worker w
      where w.alive or w.running > 0
      order by w.id`

export const readStatus = async (sql: Sql, scope: string | undefined): Promise<Status> => {
  const only = scope ?? null
  const [health, counts, backlog, attention, workers, paused, schedules, unserved] =
    await Promise.all([
      sql<Health[]>`select * from foreword.health`,
      sql<Count[]>`
      select
        r.scope,
        r.kind,
        r.condition,
        count(*) as count,
        count(*) filter (where r.in_sync) as in_sync
      from foreword.resource r
      where
        (${only}::text is null or r.scope = ${only})
        and not (r.condition = 'absent' and r.desired is null)
      group by r.scope, r.kind, r.condition
      order by r.scope, r.kind, r.condition`,
      sql`
      select b.scope, b.kind, b.state, b.count, b.oldest, b.next_due
      from foreword.backlog b
      where ${only}::text is null or b.scope = ${only}
      order by b.scope, b.kind, b.state`,
      sql<Attention[]>`
      select r.scope, r.kind, r.name, r.condition, r.reason, r.since
      from foreword.resource r
      where
        (${only}::text is null or r.scope = ${only})
        and r.condition <> 'ready'
        and not (r.condition = 'absent' and r.desired is null)
      order by
        r.condition in ('pending', 'applying', 'accepted', 'applied'),
        r.since,
        r.scope,
        r.kind,
        r.name
      limit ${attention_max}`,
      readWorkers(sql),
      readPauses(sql, scope),
      readSchedules(sql, scope),
      readUnserved(sql, scope),
    ])
  const [row] = health
  if (row === undefined) throw new Error('foreword.health has no row')
  const in_order = (count: Count): boolean => count.condition === 'ready'
  return {
    health: row,
    counts,
    backlog,
    attention,
    attention_count: counts.reduce((n, count) => (in_order(count) ? n : n + count.count), 0),
    paused,
    schedules,
    unserved,
    workers,
  }
}
