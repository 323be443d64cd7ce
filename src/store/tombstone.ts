import type { Tried } from '../domain/ports.ts'
import type { Sql } from './connect.ts'

/**
 * The connection broke at COMMIT: did it commit? Insert the decision's own id as a tombstone. The
 * insert waits on the unique index until the lost transaction has ended, so its answer is final: no
 * row, it had committed; a row, it never can. (A plain SELECT would be wrong in a third of cases.)
 */
export const commitOutcome = async (sql: Sql, id: string): Promise<Tried> => {
  const inserted = await sql`
    insert into foreword_private.decision (id, scope, decider, abandoned)
    values (${id}, '', 'foreword/tombstone', true)
    on conflict do nothing
    returning id`
  if (inserted.length > 0) return { type: 'conflict', sqlstate: '08007', id_spent: true }
  const entries = await sql<{ id: number; resource: string; version: number }[]>`
    select e.id, e.resource, e.version
    from foreword_private.entry e
    where e.decision = ${id}
    order by e.id`
  return { type: 'written', entries }
}
