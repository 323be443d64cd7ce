/** What a `foreword.config.ts` is written with. */
import type { Limits, MetricsConfig, Policy, Retention, Schedule } from './config.ts'
import type { AnyDecider } from './decider.ts'
import type { AnyProvider, Secret } from './provider.ts'

/** Providers as people compose them: one call may bring several kinds. */
export type ProviderList = readonly (AnyProvider | ProviderList)[]

/** Scope, kind and name are globs; unset: `*`. */
export type PolicyInput = Partial<Pick<Policy, 'scope' | 'kind'>> & Omit<Policy, 'scope' | 'kind'>

/** Everything has a default; an empty configuration is a valid one. */
export interface ConfigInput {
  /** A postgres:// URL. Unset: `DATABASE_URL`, and without that an embedded Postgres under `directory`. */
  readonly database?: string
  /** Where the embedded Postgres lives, from the config file's folder on. Default `.foreword`. */
  readonly directory?: string
  /** Which APIs there are; lists within lists are one list. */
  readonly providers?: ProviderList
  /** Those that are decided again where their decisions go stale, that schedules name, and that `replay` runs. */
  readonly deciders?: readonly AnyDecider[]
  /** What runs by the clock, in whichever worker lives. */
  readonly schedules?: readonly (Omit<Schedule, 'policies'> & {
    /** After those of the configuration, for its runs only. */
    readonly policies?: readonly PolicyInput[]
  })[]
  /** What holds deciders and workers back, by scope, kind and name; of several the last one that says something. */
  readonly policies?: readonly PolicyInput[]
  /** Bounds of one process. */
  readonly limits?: Partial<Limits>
  /** Unset: the log keeps everything. */
  readonly retention?: Retention
  /** The page of `foreword up`. */
  readonly web?: {
    /** On loopback; 0: any free one. Default 3673. */
    readonly port?: number
  }
  /** Unset: no /metrics. `{}`: on 127.0.0.1:3674. */
  readonly metrics?: Partial<MetricsConfig>
}

/** Gives the editor the types; what is wrong all the same is told when the file is loaded. */
export const defineConfig = (config: ConfigInput): ConfigInput => config

/** Secrets by reference: resolved when the call is made, never stored and never logged. */
export const secret = {
  /** The value of an environment variable of the process that applies. */
  env: (name: string): Secret => ({ secret: 'env', name }),
  /** The text of a file that the process that applies can read, without the line break at its end. */
  file: (path: string): Secret => ({ secret: 'file', name: path }),
}
