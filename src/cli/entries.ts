/** Entries of the log, for `foreword log` and `foreword why`. */
import type { Sql } from '../store/connect.ts'

export interface EntryRow {
  readonly id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly cause: string
  readonly verb: string
  readonly state: string
  readonly reason: string | null
  readonly due_at: Date | null
  /** Its maintenance window opens then. */
  readonly held_until: Date | null
  readonly recorded_at: Date
  readonly settled_at: Date | null
  readonly decision: string
  readonly decider: string
  readonly decider_version: number
  readonly actor: string
  readonly decided_because: string
  readonly tries: number
  readonly certified: boolean
  /** The intent that must be through before this one is attempted. */
  readonly waits_for: {
    readonly id: number
    readonly verb: string
    readonly kind: string
    readonly name: string
    readonly state: string
  } | null
}

export interface EntryFilter {
  readonly scope?: string | undefined
  /** The newest so many that match. */
  readonly last: number
  /** Only these resources: kind and name. */
  readonly kind?: string
  readonly name?: string
  /** A number, in digits. */
  readonly id?: string
  /** The id of a decision. */
  readonly decision?: string
}

const columns = (sql: Sql) => sql`
  e.id,
  e.scope,
  e.kind,
  r.name,
  e.version,
  e.cause,
  e.verb,
  e.state,
  e.reason,
  e.due_at,
  e.held_until,
  e.recorded_at,
  e.settled_at,
  e.decision,
  d.decider,
  d.decider_version,
  d.actor,
  d.reason as decided_because,
  d.tries,
  d.certified_at is not null as certified,
  (
    select jsonb_build_object(
      'id', b.id, 'verb', b.verb, 'kind', b.kind, 'name', n.name, 'state', b.state
    )
    from foreword_private.entry b
    join foreword_private.resource n on n.id = b.resource
    where b.id = coalesce(e.waits_for, d.waits_for) and e.state = 'pending'
  ) as waits_for`

const tables = (sql: Sql) => sql`
  foreword_private.entry e
  join foreword_private.resource r on r.id = e.resource
  join foreword_private.decision d on d.id = e.decision`

/** The newest entries, oldest of them first. */
export const readEntries = async (sql: Sql, filter: EntryFilter): Promise<readonly EntryRow[]> => {
  const { scope = null, kind = null, name = null, id = null, decision = null } = filter
  const rows = await sql<EntryRow[]>`
    select ${columns(sql)}
    from ${tables(sql)}
    where
      (${scope}::text is null or e.scope = ${scope})
      and (${kind}::text is null or e.kind = ${kind})
      and (${name}::text is null or r.name = ${name})
      and (${id}::bigint is null or e.id = ${id}::bigint)
      and (${decision}::uuid is null or e.decision = ${decision}::uuid)
    order by e.id desc
    limit ${filter.last}`
  return rows.toReversed()
}

/** Entries above an id, and others by their ids. */
export const readEntriesSince = (
  sql: Sql,
  scope: string | undefined,
  above: number,
  ids: readonly number[],
): Promise<readonly EntryRow[]> =>
  sql<EntryRow[]>`
    select ${columns(sql)}
    from ${tables(sql)}
    where
      (${scope ?? null}::text is null or e.scope = ${scope ?? null})
      and (e.id > ${String(above)}::bigint or e.id = any (${ids.map(String)}::bigint[]))
    order by e.id`
