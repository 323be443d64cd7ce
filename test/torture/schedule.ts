/** A schedule is plain data: who decides what, who works, and what goes wrong when. */
import { uniform } from '../../src/cloud/random.ts'
import type { FaultsInput } from '../../src/cloud/index.ts'
import type { FailPoint } from '../../src/domain/fail-point.ts'
import type { Idempotency } from '../../src/domain/provider.ts'
import type { CloudKind } from '../../src/providers/cloud.ts'

export type Role = 'worker' | 'decider'

/** What goes wrong. Each can be taken out, and the rest still makes a schedule. */
export type Fault =
  /** The process dies (or stands still) when it comes by a point for the nth time; so many ms later. */
  | {
      readonly type: 'fail_point'
      readonly role: Role
      readonly index: number
      readonly point: FailPoint
      readonly nth: number
      readonly action: 'kill' | 'stop'
      readonly after_ms: number
      /** For `stop`: how long. */
      readonly for_ms: number
    }
  | {
      readonly type: 'kill'
      readonly role: Role
      readonly index: number
      readonly at_ms: number
    }
  | {
      readonly type: 'stop'
      readonly role: Role
      readonly index: number
      readonly at_ms: number
      readonly for_ms: number
    }
  /** Connections to Postgres break: a share of those that are open, or all for a while. */
  | { readonly type: 'cut'; readonly role: Role; readonly at_ms: number; readonly share: number }
  | {
      readonly type: 'partition'
      readonly role: Role
      readonly at_ms: number
      readonly for_ms: number
    }
  /** The nth COMMIT of a decision is cut; see test/support/commit-proxy.ts. */
  | {
      readonly type: 'commit_cut'
      readonly nth: number
      readonly how: 'before' | 'after' | 'late' | 'during'
    }
  /** A worker's clock jumps. */
  | {
      readonly type: 'clock'
      readonly index: number
      readonly at_ms: number
      readonly by_ms: number
    }
  /** Postgres is stopped as by `pg_ctl stop -m immediate`, and started again. */
  | { readonly type: 'postgres'; readonly at_ms: number }
  /** The API does this to a share of all requests. */
  | { readonly type: 'api'; readonly fault: ApiFault; readonly p: number }

export type ApiFault =
  | 'throttle'
  | 'lose_request'
  | 'error_before'
  | 'hang'
  | 'lose_response'
  | 'error_after'
  | 'truncate'

export interface Job {
  /** Its own name: also in the input of its decision. */
  readonly job: string
  readonly decider: string
  readonly n: number
  /** Its process waits so long before it. */
  readonly wait_ms: number
}

export type Kinds = Readonly<Record<CloudKind, Exclude<Idempotency, 'natural'>>>

export interface Traits {
  readonly settle_ms: number
  readonly sightings: number
  readonly call_timeout_ms: number
}

export interface Schedule {
  readonly seed: number
  /** What each kind of resource lets us know of a lost answer. */
  readonly kinds: Kinds
  readonly traits: Traits
  /** The cloud's manners, which are no faults: lag, delays, tokens. */
  readonly cloud: Exclude<FaultsInput, string>
  /** Cores that the deciders will use; and the cloud's own limit, null: none. */
  readonly cores_max: number
  readonly cloud_cores: number | null
  /** A process for each list. */
  readonly deciders: readonly (readonly Job[])[]
  readonly workers: number
  readonly faults: readonly Fault[]
}

/** Chance with a memory: each call is the next number of a seed. */
export interface Chance {
  readonly next: () => number
  /** A whole number from `min` to `max`, both included. */
  readonly int: (min: number, max: number) => number
  readonly pick: <A>(from: readonly [A, ...A[]]) => A
  readonly happens: (p: number) => boolean
}

export const chanceOf = (seed: number): Chance => {
  let drawn = 0
  const next = (): number => uniform(seed, ++drawn)
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    int,
    pick: (from) => from[int(0, from.length - 1)] ?? from[0],
    happens: (p) => next() < p,
  }
}
