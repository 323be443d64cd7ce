/** How far the queue's own tables have come in a database. */
import { codeOf, type Sql } from './connect.ts'

export interface QueueState {
  readonly version: number
  /** Names of tasks that are registered. */
  readonly tasks: readonly string[]
}

/** No such schema, table or column, and not to be seen: then nobody knows. */
const unknown_sqlstates: ReadonlySet<string> = new Set(['3F000', '42P01', '42703', '42501'])

/** Null: it is not there, or cannot be told. */
export const readQueue = async (sql: Sql): Promise<QueueState | null> => {
  try {
    const [state] = await sql<QueueState[]>`
      select
        (select coalesce(max(m.id), 0) from graphile_worker.migrations m)::integer as version,
        array(select t.identifier from graphile_worker._private_tasks t) as tasks`
    return state ?? null
  } catch (error) {
    if (unknown_sqlstates.has(codeOf(error))) return null
    throw error
  }
}
