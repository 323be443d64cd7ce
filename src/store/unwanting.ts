/** Wishes that something be absent: how they begin where a stack names it no more, and that they end. */
import type { ResourceName } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Sql } from './connect.ts'

/** What still consumes is given back first, and its wish ends with that. Another one of its name is no drift any more. */
export const endWishes = async (sql: Sql, scope: string): Promise<void> => {
  await sql`
    with ended as (
      update foreword_private.desired d
      set
        ended_at = clock_timestamp(),
        generation = d.generation + 1
      where
        d.scope = ${scope}
        and d.spec is null
        and d.ended_at is null
        and exists (
          select
          from foreword_private.resource_state s
          where s.resource = d.resource and s.assumed is null and s.counters = '{}'
        )
        and not exists (
          select from foreword_private.entry e where e.resource = d.resource and e.settled_at is null
        )
      returning d.resource
    )
    update foreword_private.drift f
    set resolved_at = clock_timestamp()
    from ended
    where f.resource = ended.resource and f.path = '#id' and f.resolved_at is null`
}

export const unwantOthers = async (
  sql: Sql,
  scope: string,
  stack: string,
  keep: readonly ResourceName[],
  by: string,
): Promise<number> => {
  const ids = keep.map((k) => resourceId(k.scope, k.kind, k.name))
  const rows = await sql`
    select foreword.unwant(d.scope, d.kind, d.name, ${by})
    from foreword_private.desired d
    where
      d.scope = ${scope}
      and d.stack = ${stack}
      and d.spec is not null
      and d.resource <> all (${ids}::uuid[])`
  return rows.length
}
