/** Configuration as the rest of foreword sees it: decoded, complete, frozen. */
import type { AnyDecider } from './decider.ts'
import type { AnyProvider } from './provider.ts'

/** What is to be done about drift. */
export type OnDrift = 'repair' | 'report' | 'adopt'

export interface Policy {
  /** Glob over scopes, `*` for all. */
  readonly scope: string
  /** Glob over kinds, `*` for all. */
  readonly kind: string
  /** Verbs that wait for a person's approval. */
  readonly approve?: readonly string[]
  readonly prevent_destroy?: boolean
  readonly on_drift?: OnDrift
  /** Paths of the state whose drift is of no interest, e.g. `tags.last_seen`. */
  readonly ignore?: readonly string[]
}

export interface Schedule {
  readonly name: string
  /** Five crontab fields, UTC. */
  readonly cron: string
  readonly scope: string
  /** Reconcile this kind; absent: every kind. */
  readonly kind?: string
  /** Run this registered decider instead of a reconcile. */
  readonly decider?: string
  readonly input?: unknown
}

export interface Limits {
  readonly pool_connections_max: number
  readonly decide_tries_max: number
  /** Independent decisions that may share a transaction; 1: none do. */
  readonly group_decisions_max: number
  readonly claim_intents_max: number
  readonly sweep_interval_ms: number
  readonly drain_timeout_ms: number
}

export const defaultLimits: Limits = {
  pool_connections_max: 10,
  decide_tries_max: 10,
  group_decisions_max: 16,
  claim_intents_max: 64,
  sweep_interval_ms: 1_000,
  drain_timeout_ms: 10_000,
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
  /** The page and /healthz of `foreword up`, on loopback. */
  readonly web: { readonly port: number }
}
