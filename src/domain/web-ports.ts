/** What the page shows: rows of the views of schema `foreword`, where each column is explained. */
import type { Labels } from './decider.ts'

export interface HealthRow {
  readonly pending: number
  readonly applying: number
  readonly applied: number
  readonly in_doubt: number
  readonly awaiting_approval: number
  /** Below zero: nothing is due. */
  readonly oldest_due_s: number
  readonly waits_for_a_person: number
  readonly drifted_paths: number
  /** Accounts that fail or throttle. */
  readonly unwell_accounts: number
  readonly paused_scopes: number
  /** Those that wait for their scope to go on. */
  readonly paused_intents: number
  readonly live_workers: number
  readonly dead_workers: number
  readonly ssi_margin: number
}

export interface BacklogRow {
  readonly scope: string
  readonly kind: string
  readonly state: string
  readonly count: number
  readonly oldest: Date
  readonly next_due: Date | null
}

export interface ResourceRow {
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly labels: Labels
  readonly version: number
  readonly condition: string
  readonly reason: string | null
  readonly since: Date
}

export interface IntentRow {
  readonly id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly state: string
  readonly reason: string | null
  readonly attempts: number
  readonly decided_at: Date
  readonly settled_at: Date | null
}

export interface ConflictRow {
  readonly at: Date
  readonly scope: string
  readonly decider: string
  readonly tries: number
  readonly sqlstate: string
}

export interface WorkerRow {
  readonly id: number
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly started_at: Date
  readonly alive: boolean
  readonly running: number
  readonly kinds: readonly string[]
}

export interface ScheduleRow {
  readonly name: string
  readonly cron: string
  readonly scope: string
  readonly kind: string | null
  readonly decider: string | null
  readonly last_started_at: Date | null
  readonly last_ended_at: Date | null
  readonly last_outcome: string | null
}

/** How it went with the newest intents, since the first of them was decided. */
export interface Pace {
  readonly began: Date
  readonly ended: Date
  readonly intents: number
  readonly settled: number
  /** From decision to settled: half of those settled took no longer. Null: none is. */
  readonly median_ms: number | null
  /** Nineteen of twenty. */
  readonly slowest_ms: number | null
  /** Settled in each of equal parts of that time. */
  readonly bars: readonly number[]
  /** Aborted tries of decisions in that time. */
  readonly conflicts: number
}

/** One moment of everything, each list cut to what fits a page. */
export interface Overview {
  /** The database's clock, which all ages on the page are told by. */
  readonly taken_at: Date
  readonly health: HealthRow
  /** Null: nothing was decided yet. */
  readonly pace: Pace | null
  /** The largest groups first. */
  readonly backlog: readonly BacklogRow[]
  /** Those that wait for a person or differ first, then by age. */
  readonly out_of_sync: readonly ResourceRow[]
  readonly intents: readonly IntentRow[]
  readonly conflicts: readonly ConflictRow[]
  readonly workers: readonly WorkerRow[]
  readonly schedules: readonly ScheduleRow[]
}
