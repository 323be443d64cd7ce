/** What an entry has to do with others: whom it holds up, what went with it, what undid it. */
import type { Sql } from '../store/connect.ts'

export interface Linked {
  readonly id: number
  readonly verb: string
  readonly kind: string
  readonly name: string
  readonly state: string
}

interface Link extends Linked {
  readonly of: number
}

export interface Links {
  /** Intents that wait until this one is through. */
  readonly holds_up: readonly Linked[]
  /** Intents that were taken back since they relied on this one. */
  readonly took_back: readonly Linked[]
  /** The intent that undoes this one, its decision being all or nothing. */
  readonly undone_by: readonly Linked[]
  readonly undoes: readonly Linked[]
}

const holdsUp = (sql: Sql, ids: readonly string[]) => sql<Link[]>`
  select l.of, e.id, e.verb, e.kind, r.name, e.state
  from (
    select w.waits_for as of, w.id
    from foreword_private.entry w
    where w.waits_for = any (${ids}::bigint[])
    union
    select d.waits_for, w.id
    from foreword_private.decision d
    join foreword_private.entry w on w.decision = d.id and w.state = 'pending'
    where d.waits_for = any (${ids}::bigint[])
  ) l
  join foreword_private.entry e on e.id = l.id
  join foreword_private.resource r on r.id = e.resource
  order by e.id`

/** By the decision that took them back together, which wrote an entry for each resource. */
const tookBack = (sql: Sql, ids: readonly string[]) => sql<Link[]>`
  select o.id as of, x.id, x.verb, x.kind, r.name, x.state
  from foreword_private.entry o
  cross join lateral (
    select w.decision
    from foreword_private.entry w
    where
      w.resource = o.resource
      and w.version > o.version
      and w.cause in ('withdrawal', 'ruling')
    order by w.version
    limit 1
  ) w
  join foreword_private.entry b on b.decision = w.decision
  join foreword_private.entry x on x.resource = b.resource and x.version < b.version
  join foreword_private.resource r on r.id = x.resource
  where
    o.id = any (${ids}::bigint[])
    and o.state in ('rejected', 'stale', 'cancelled')
    and x.state = 'stale'
    and x.reason = format('relied on intent %s, which was taken back', o.id)
  order by x.id`

/** Undoings are later versions of the same resource, and say which decision they undo. */
const undoings = (sql: Sql, ids: readonly string[]) => sql<(Link & { undoes: Linked })[]>`
  select distinct on (u.id, o.id)
    o.id as of,
    u.id,
    u.verb,
    u.kind,
    r.name,
    u.state,
    jsonb_build_object(
      'id', o.id, 'verb', o.verb, 'kind', o.kind, 'name', r.name, 'state', o.state
    ) as undoes
  from foreword_private.entry e
  join foreword_private.resource r on r.id = e.resource
  join foreword_private.entry u on u.resource = e.resource and u.cause = 'intent'
  join foreword_private.decision d on d.id = u.decision and d.decider = 'foreword/compensate'
  join foreword_private.entry o
    on o.resource = e.resource
    and o.version < u.version
    and o.decision = (d.input ->> 'compensates')::uuid
    and o.cause = 'intent'
  where e.id = any (${ids}::bigint[]) and (e.id = o.id or e.id = u.id)
  order by u.id, o.id`

const plain = ({ id, verb, kind, name, state }: Linked): Linked => ({ id, verb, kind, name, state })

export const readLinks = async (
  sql: Sql,
  entries: readonly number[],
): Promise<(entry: number) => Links> => {
  const ids = entries.map(String)
  const [held, taken, undone] = await Promise.all([
    holdsUp(sql, ids),
    tookBack(sql, ids),
    undoings(sql, ids),
  ])
  return (entry) => ({
    holds_up: held.filter((l) => l.of === entry).map(plain),
    took_back: taken.filter((l) => l.of === entry).map(plain),
    undone_by: undone.filter((l) => l.of === entry).map(plain),
    undoes: undone.filter((l) => l.id === entry).map((l) => l.undoes),
  })
}
