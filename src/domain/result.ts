/** What came of a run of a decider. */
export interface IntentRef {
  /** The entry's id: what `foreword why` takes. */
  readonly id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly version: number
}

/** What came of a decision. */
export type DecideResult =
  /** Committed: the intents are in the log and will be settled or parked. */
  | {
      readonly type: 'decided'
      readonly decision: string
      readonly intents: readonly IntentRef[]
      readonly tries: number
    }
  /** The decider intended nothing; nothing was written. */
  | { readonly type: 'unchanged'; readonly tries: number }
  /**
   * The decider said no, on reads that were true; or what it decided was refused, since the scope is `paused`.
   * Nothing was written.
   */
  | {
      readonly type: 'refused'
      readonly reason: string
      readonly tries: number
      readonly paused?: true
    }
  /** Others were faster each time; nothing was written. Try again later. */
  | { readonly type: 'gave_up'; readonly tries: number; readonly last_sqlstate: string }
  /** The decider's intents cannot be recorded (no such kind, created twice, too large); nothing was written. */
  | {
      readonly type: 'invalid'
      readonly reason: string
      readonly remedy: string
      readonly sqlstate: string
    }
