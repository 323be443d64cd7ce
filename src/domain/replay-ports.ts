/** Decisions as the log keeps them, so that they can be made again by other code. */
import type { Counters, Labels } from './decider.ts'
import type { Json } from './json.ts'
import type { ResourceName } from './ports.ts'

/** A version that was read, and what was assumed then; null: absent. */
export interface RecordedPremise extends ResourceName {
  readonly resource: string
  readonly version: number
  /** The log still has that version. */
  readonly there: boolean
  readonly assumed: Json
  readonly labels: Labels
}

export interface RecordedIntent extends ResourceName {
  readonly resource: string
  readonly verb: string
  readonly state: Json
  readonly labels: Labels
  readonly counters: Counters
  /** Of the version before: what it keeps where the decider says nothing of them. */
  readonly labels_before: Labels
  readonly counters_before: Counters
  /** What had to be through, by id; what had never been there is not among them. */
  readonly needs: readonly string[]
}

export interface RecordedPredicate {
  readonly scope: string
  readonly kind: string
  readonly labels: Labels
  /** The pair that was read by index; `''` for all of a kind. */
  readonly label: string
  readonly value: string
  readonly found: number
  readonly digest: string
}

export interface RecordedDecision {
  readonly id: string
  readonly scope: string
  readonly decider: string
  /** 0: decided in SQL. */
  readonly decider_version: number
  readonly actor: string
  readonly reason: string
  readonly decided_at: Date
  /** The clock that the decider was given. */
  readonly saw_at: Date | null
  readonly input: Json
  /** What it thought, in an array of one. */
  readonly thought: readonly Json[] | null
  /** What it was made of has left the log. */
  readonly archived: boolean
  readonly predicates: readonly RecordedPredicate[]
  readonly counters: readonly {
    readonly scope: string
    readonly metric: string
    readonly consumed: number
  }[]
  readonly premises: readonly RecordedPremise[]
  readonly intents: readonly RecordedIntent[]
}

export interface RecordedFilter {
  /** Text, to the microsecond: from the first on, up to but without the second. */
  readonly since: string
  readonly until: string
  readonly scope: string | null
  readonly decider: string | null
  /** Of other deciders' decisions neither premises nor intents are fetched. */
  readonly wanted: (decision: {
    readonly decider: string
    readonly decider_version: number
  }) => boolean
}

export interface ReplayStore {
  /** In the order of time, a bounded number at once. */
  readonly pages: (filter: RecordedFilter) => AsyncIterable<readonly RecordedDecision[]>
}
