/** What an audit asks of the log, and what it finds. `store` implements it, `audit` reports it. */

export type Law =
  | 'versions_without_gaps'
  | 'state_is_newest_entry'
  | 'entries_are_decided'
  | 'effects_were_attempted'
  | 'one_open_attempt'
  | 'attempts_are_counted'
  | 'quotas_add_up'
  | 'the_gone_consume_nothing'
  | 'members_match_labels'
  | 'references_resolve'

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
}

export interface AuditStore {
  /** Runs `work` in one snapshot: every law is held against the same moment. Nothing is written. */
  readonly snapshot: <A>(
    work: (find: (law: Law, violations_max: number) => Promise<Finding>) => Promise<A>,
  ) => Promise<A>
}
