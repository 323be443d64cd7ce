/** Questions about open intents that commands ask while they wait. */
import type { Sql } from '../store/connect.ts'

export interface OpenIntent {
  readonly id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly state: string
  readonly reason: string | null
  readonly due_at: Date | null
  readonly settled_at: Date | null
  /** It waits for its scope to be resumed. */
  readonly paused: boolean
}

export const readIntents = (sql: Sql, ids: readonly number[]): Promise<readonly OpenIntent[]> =>
  sql<OpenIntent[]>`
    select
      i.id, i.scope, i.kind, i.name, i.verb, i.state, i.reason, i.due_at, i.settled_at, i.paused
    from foreword.intent i
    where i.id = any (${ids.map(String)}::bigint[])
    order by i.id`

/** Intents of a scope's resources that are not through yet, whoever decided them. */
export const openIntentsOf = (
  sql: Sql,
  scope: string,
  keys: readonly string[],
): Promise<readonly Pick<OpenIntent, 'id' | 'kind'>[]> => sql<Pick<OpenIntent, 'id' | 'kind'>[]>`
  select i.id, i.kind
  from foreword.intent i
  where
    i.settled_at is null
    and i.scope = ${scope}
    and i.kind || '/' || i.name = any (${[...keys]}::text[])`

/** A person must rule, approve or resume its scope before it goes on. */
export const isParked = (intent: Pick<OpenIntent, 'state' | 'due_at' | 'paused'>): boolean =>
  intent.paused ||
  intent.state === 'awaiting_approval' ||
  (intent.state === 'in_doubt' && intent.due_at === null)

/** Open intents that are parked, or come after one that is: none of them moves by itself. */
export const stuckIntents = async (sql: Sql): Promise<ReadonlySet<number>> => {
  const rows = await sql<{ id: number }[]>`
    with recursive stuck as (
      select e.id, e.resource, e.version
      from foreword_private.entry e
      where
        e.settled_at is null
        and (
          e.state = 'awaiting_approval'
          or (e.state = 'in_doubt' and e.due_at is null)
          or (
            e.state = 'pending'
            and exists (
              select
              from foreword_private.pause p
              where p.scope = e.scope and p.resumed_at is null
            )
          )
        )
      union
      select e.id, e.resource, e.version
      from stuck s
      join foreword_private.entry e
        on e.settled_at is null
        and (
          (e.resource = s.resource and e.version > s.version)
          or exists (
            select
            from unnest(e.after_resources, e.after_versions) as a (resource, version)
            where a.resource = s.resource and a.version >= s.version
          )
          or e.waits_for = s.id
          or (
            e.state = 'pending'
            and exists (
              select
              from foreword_private.decision d
              where d.id = e.decision and d.waits_for = s.id
            )
          )
        )
    )
    select s.id
    from stuck s`
  return new Set(rows.map((row) => row.id))
}

/** Kinds among these that no living worker carries out. */
export const unservedKinds = async (
  sql: Sql,
  kinds: readonly string[],
): Promise<readonly string[]> => {
  const rows = await sql<{ kind: string }[]>`
    select k.kind
    from unnest(${[...new Set(kinds)]}::text[]) as k (kind)
    where not exists (
      select from foreword.worker w where k.kind = any (w.kinds) and w.alive
    )`
  return rows.map((row) => row.kind)
}

/**
 * Work of kinds that no living worker carries out; nothing but a configuration ends that. What a pause keeps waiting is
 * told with the pause. On a standby: none known.
 */
export interface Unserved {
  readonly kind: string
  readonly open: number
}

export const readUnserved = (sql: Sql, scope?: string): Promise<readonly Unserved[]> => sql<
  Unserved[]
>`
  select b.kind, sum(b.count)::bigint as open
  from foreword.backlog b
  where
    b.next_due is not null
    and (${scope ?? null}::text is null or b.scope = ${scope ?? null})
    and b.kind <> all ((select foreword_code.live_kinds())::text[])
    and not exists (
      select from foreword.pause p where p.scope = b.scope and p.resumed_at is null
    )
  group by b.kind
  order by b.kind`
