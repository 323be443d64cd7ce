/** Configuration as the rest of foreword sees it: decoded, complete, frozen. */
import type { AnyDecider } from './decider.ts'
import type { AnyProvider, Secret } from './provider.ts'

/** What is to be done about drift. */
export type OnDrift = 'repair' | 'report' | 'adopt'

export const week_days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A time in which intents may be begun, UTC. */
export interface Window {
  /** On which it opens; absent: every day. */
  readonly days?: readonly (typeof week_days)[number][]
  /** `HH:MM`; absent: 00:00. */
  readonly from?: string
  /** `HH:MM`, up to 24:00, which it is where it is absent; not after `from`: on the next day. */
  readonly to?: string
}

export interface Policy {
  /** Glob over scopes, `*` for all. */
  readonly scope: string
  /** Glob over kinds, `*` for all. */
  readonly kind: string
  /** Glob over names; absent: all. */
  readonly name?: string
  /** Verbs that wait for a person's approval. */
  readonly approve?: readonly string[]
  /** No deletion is decided. */
  readonly prevent_destroy?: boolean
  /** Put right what has drifted, tell it only, or take it over. Default `repair`. */
  readonly on_drift?: OnDrift
  /** Paths of the state whose drift is of no interest, e.g. `tags.last_seen`. */
  readonly ignore?: readonly string[]
  /** More deletions of a kind in one decision, and all its deletions wait for approval. */
  readonly deletes_max?: number
  /** The same, in percent of the resources of the kind in the scope. */
  readonly deletes_max_percent?: number
  /** Intents are begun in one of these only, and wait for it else. */
  readonly window?: Window | readonly Window[]
}

export interface Schedule {
  /** Its name: letters, digits, `_` and `-`. */
  readonly name: string
  /** Five crontab fields, UTC. */
  readonly cron: string
  /** In which scope. */
  readonly scope: string
  /** Reconcile this kind; absent: every kind. */
  readonly kind?: string
  /** Run this registered decider instead of a reconcile. */
  readonly decider?: string
  /** What the decider is given. */
  readonly input?: unknown
  /** After those of the configuration, for its runs only. */
  readonly policies?: readonly Policy[]
  /** A run that was missed since, as no worker was there, is made up for, once. Absent: 0, none is. */
  readonly backfill_minutes?: number
}

/** What was settled longer ago goes to files: see docs/operations.md. */
export interface Retention {
  readonly older_than_days: number
  /** The folder of the files, from the config file's folder on. Absent: `archive` in `directory`. */
  readonly to?: string
  /** When a worker archives, five crontab fields, UTC. Absent: 17 3 * * *. */
  readonly cron?: string
}

export interface Limits {
  /** Connections to Postgres that deciding may hold. */
  readonly pool_connections_max: number
  /** Tries of a decision before it is given up. */
  readonly decide_tries_max: number
  /** Independent decisions that may share a transaction; 1: none do. */
  readonly group_decisions_max: number
  /** Intents that a worker takes at once. */
  readonly claim_intents_max: number
  /** How often a worker looks for what is due, and for the dead. */
  readonly sweep_interval_ms: number
  /** How long open calls may take to end when a worker is told to stop. */
  readonly drain_timeout_ms: number
  /** How long after that answers are kept for a database that is away. */
  readonly keep_answers_ms: number
}

export const defaultLimits: Limits = {
  pool_connections_max: 10,
  decide_tries_max: 10,
  group_decisions_max: 16,
  claim_intents_max: 64,
  sweep_interval_ms: 1_000,
  drain_timeout_ms: 10_000,
  keep_answers_ms: 60_000,
}

export interface MetricsConfig {
  readonly port: number
  readonly host: string
  /** What a scraper must show as a bearer token; absent: nothing. */
  readonly token?: Secret
}

export interface Config {
  /** A postgres:// URL; undefined: the embedded Postgres under `directory`. */
  readonly database: string | undefined
  /** Where the embedded Postgres and its log live. */
  readonly directory: string
  readonly providers: readonly AnyProvider[]
  readonly deciders: readonly AnyDecider[]
  readonly schedules: readonly Schedule[]
  readonly policies: readonly Policy[]
  readonly limits: Limits
  /** Absent: the log keeps everything, unless somebody runs `foreword archive`. */
  readonly retention?: Retention | undefined
  /** The page and /healthz of `foreword up`, on loopback. */
  readonly web: { readonly port: number }
  /** /metrics of `foreword up` and `foreword worker`; absent: there is none, and nothing is counted. */
  readonly metrics?: MetricsConfig | undefined
}
