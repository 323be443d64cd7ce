/** Which trace each decision is part of. */
import type { TracesOf } from '../domain/telemetry-ports.ts'
import type { Sql } from './connect.ts'

/** Asked only where spans are recorded. */
export const tracesOf =
  (sql: Sql): TracesOf =>
  async (decisions) => {
    const rows = await sql<{ decision: string; traceparent: string }[]>`
      select t.decision, t.traceparent
      from foreword_code.traces_of(${[...decisions]}::uuid[]) t`
    return new Map(rows.map((row) => [row.decision, row.traceparent]))
  }
