/**
 * The log as an audit reads it: decisions, keys and predicates are numbers, rows are columns. A log
 * has millions of them, and an object each would not fit.
 */

/** A row for each version that was written: of a resource by an entry, of a counter by its decision. */
export interface Writes {
  /** Resources have the numbers below `History.resources`, counters those from there on. */
  readonly key: Int32Array
  /** From 1 on. A counter's version may have several writers, all of one transaction. */
  readonly version: Float64Array
  /** -1: no decision that committed. */
  readonly decision: Int32Array
  /** 1: it never had an effect, and a later version took it back. */
  readonly withdrawn: Uint8Array
  /** Which predicates the resource answers to at this version: an index of `History.memberships`. */
  readonly membership: Int32Array
}

/** A row for each version that a decision relied on; version 0 is absence. */
export interface Reads {
  readonly key: Int32Array
  readonly version: Float64Array
  readonly decision: Int32Array
}

/** A row for each predicate that a decision asked for, with the snapshot that answered. */
export interface Finds {
  readonly predicate: Int32Array
  readonly decision: Int32Array
  /** How many were found; -1: the log does not say. */
  readonly found: Float64Array
  /** Transactions below `xmin` had ended, those from `xmax` on had not begun; `xip` were under way. */
  readonly xmin: Float64Array
  readonly xmax: Float64Array
  readonly xip: readonly (readonly number[])[]
}

export interface History {
  /** Decisions that committed; each has a number below this. */
  readonly decisions: number
  /** The transaction of each decision. Independent decisions may share one. */
  readonly xid: Float64Array
  readonly resources: number
  /** Resources and counters. */
  readonly keys: number
  /** Predicates that were asked for. */
  readonly predicates: number
  /** Sets of predicates, each without repetition. The first one is empty: an absent resource's. */
  readonly memberships: readonly (readonly number[])[]
  readonly writes: Writes
  readonly reads: Reads
  readonly finds: Finds
  /** From which version on the log has all of a key; absent: nothing of any key was archived. */
  readonly kept_from?: Float64Array
  /** Finds that cannot be answered, since who answered to them is archived. */
  readonly unanswered?: number
}

/** What people call the numbers of a history. */
export interface HistoryNames {
  /** `sweeper 0190…` */
  readonly decision: (number: number) => string
  /** `vm/web-1 in acme/prod`, `counter cores in acme/prod` */
  readonly key: (number: number) => string
  /** `vm with role=web in acme/prod` */
  readonly predicate: (number: number) => string
}
