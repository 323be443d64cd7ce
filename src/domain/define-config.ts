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
  readonly providers?: ProviderList
  readonly deciders?: readonly AnyDecider[]
  readonly schedules?: readonly (Omit<Schedule, 'policies'> & {
    readonly policies?: readonly PolicyInput[]
  })[]
  readonly policies?: readonly PolicyInput[]
  readonly limits?: Partial<Limits>
  /** Unset: the log keeps everything. */
  readonly retention?: Retention
  readonly web?: { readonly port?: number }
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
