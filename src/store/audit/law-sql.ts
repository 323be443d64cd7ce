/** The form of a law that tables must agree on. */

export interface LawSql {
  /** One column, one row. */
  readonly checked: string
  /** Columns subject and what, a row for each breach. */
  readonly breaches: string
}

/** `kind/name in scope`, or the bare id where even the name is lost. */
export const named = (id: string): string => `coalesce(
  (select n.kind || '/' || n.name || ' in ' || n.scope
   from foreword_private.resource n where n.id = ${id}),
  'resource ' || ${id}
)`
