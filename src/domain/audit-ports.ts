/** What an audit asks of the log, and what it finds. `store` implements it, `audit` reports it. */
import type { History, HistoryNames } from './history.ts'

/** What the tables must agree on; the store asks them. */
export type TableLaw =
  | 'versions_without_gaps'
  | 'state_is_newest_entry'
  | 'entries_are_decided'
  | 'states_are_lawful'
  | 'effects_were_attempted'
  | 'one_open_attempt'
  | 'attempts_are_counted'
  | 'rulings_were_due'
  | 'quotas_add_up'
  | 'the_gone_consume_nothing'
  | 'members_match_labels'
  | 'references_resolve'
  | 'archives_add_up'

/** What the decisions of a whole history must be to each other; the audit works it out. */
export type HistoryLaw = 'reads_were_written' | 'finds_are_complete' | 'decisions_are_serializable'

export type Law = TableLaw | HistoryLaw

export interface Violation {
  /** What breaks the law: `vm/web-1 in acme/prod`, `intent 7`. */
  readonly subject: string
  /** How, with the figures that do not agree. */
  readonly what: string
}

export interface Finding {
  /** Rows the law was held against. */
  readonly checked: number
  /** Rows that break it; `violations` holds the first of them only. */
  readonly violated: number
  readonly violations: readonly Violation[]
  /** Rows that it could not be held against, since what they speak of is archived. */
  readonly unproven?: number
}

/** What has left the log: its laws are held against what is kept. */
export interface ArchivedLog {
  readonly files: number
  readonly decisions: number
  readonly entries: number
  /** When the first and the last of them were decided; null: nothing is archived. */
  readonly decided_from: Date | null
  readonly decided_until: Date | null
}

export interface LoadedHistory {
  readonly history: History
  /** Names of these decisions and keys, and of every predicate. */
  readonly names: (decisions: readonly number[], keys: readonly number[]) => Promise<HistoryNames>
}

/** The log at one moment. */
export interface LogSnapshot {
  readonly find: (law: TableLaw, violations_max: number) => Promise<Finding>
  readonly history: () => Promise<LoadedHistory>
  readonly archived: () => Promise<ArchivedLog>
}

export interface AuditStore {
  /** Runs `work` in one snapshot: every law is held against the same moment. Nothing is written. */
  readonly snapshot: <A>(work: (log: LogSnapshot) => Promise<A>) => Promise<A>
}
