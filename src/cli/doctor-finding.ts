/** What a check of `foreword doctor` is given, and what it says. */
import type { Config } from '../domain/config.ts'
import type { Sql } from '../store/connect.ts'
import type { Release } from '../store/migrate/files.ts'

/** `unseen`: this login may not look there. */
export type Level = 'ok' | 'warn' | 'fail' | 'unseen'

export interface Finding {
  readonly check: string
  readonly level: Level
  /** With the value that was measured. */
  readonly says: string
  /** What to do about it; null: nothing. */
  readonly remedy: string | null
}

export type Said = Omit<Finding, 'check'>

export const ok = (says: string): Said => ({ level: 'ok', says, remedy: null })
export const warn = (says: string, remedy: string): Said => ({ level: 'warn', says, remedy })
export const fail = (says: string, remedy: string): Said => ({ level: 'fail', says, remedy })
export const unseen = (what: string, remedy: string): Said => ({
  level: 'unseen',
  says: `cannot see: ${what}`,
  remedy,
})

export interface Probe {
  readonly sql: Sql
  readonly config: Config
  /** The server is foreword's own. */
  readonly own: boolean
  readonly release: Release
  /** The version of foreword at hand. */
  readonly version: string
  /** May make tables of its own for a moment. */
  readonly canaries: boolean
}

export interface Check {
  readonly name: string
  /** Reads what foreword has made: of no use where it is not deployed. */
  readonly of_foreword: boolean
  readonly run: (probe: Probe) => Promise<readonly Said[]>
}

/** The single row of a query that always has one. */
export const only = <A>([row]: readonly A[]): A => {
  if (row === undefined) throw new Error('a query that always has a row had none')
  return row
}

/** What every login may see of sessions is less than all: see `pg_read_all_stats`. */
export const stats_remedy = 'grant pg_read_all_stats to this login'
