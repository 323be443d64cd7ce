/** Holds the laws of the log's tables against one snapshot of them, and loads the history for the others. */
import type {
  ArchivedLog,
  AuditStore,
  Finding,
  TableLaw,
  Violation,
} from '../../domain/audit-ports.ts'
import type { Sql, TransactionSql } from '../connect.ts'
import { loadHistory } from './history-store.ts'
import { tableLaws } from './table-laws.ts'

const find = async (
  tx: TransactionSql,
  law: TableLaw,
  violations_max: number,
): Promise<Finding> => {
  const { checked, breaches } = tableLaws[law]
  // `unsafe`: the text is a constant of table-laws.ts, put together from parts.
  const [count] = await tx.unsafe<{ checked: number }[]>(
    `select (${checked})::double precision as checked`,
  )
  const rows = await tx.unsafe<(Violation & { violated: number })[]>(
    `select b.subject, b.what, count(*) over () as violated
     from (${breaches}) b order by b.subject, b.what limit $1`,
    [violations_max],
  )
  return {
    checked: count?.checked ?? 0,
    violated: rows[0]?.violated ?? 0,
    violations: rows.map(({ subject, what }) => ({ subject, what })),
  }
}

const archived = async (tx: TransactionSql): Promise<ArchivedLog> => {
  const [row] = await tx<ArchivedLog[]>`
    select
      count(*) as files,
      coalesce(sum(a.decisions), 0)::bigint as decisions,
      coalesce(sum(a.entries), 0)::bigint as entries,
      min(a.decided_from) as decided_from,
      max(a.decided_until) as decided_until
    from foreword_private.archive a`
  if (row === undefined) throw new Error('nothing is told of the archive')
  return row
}

/** The laws against one snapshot. READ ONLY: an audit can run beside everything and disturbs nobody. */
export const auditStore = (sql: Sql): AuditStore => ({
  snapshot: async (work) => {
    // Boxed: the driver would wait for an array of promises, and its types know that.
    const { result } = await sql.begin('isolation level repeatable read read only', async (tx) => {
      // A plan of hash joins over whole tables is right here, and must not starve the machine.
      await tx`set local max_parallel_workers_per_gather = 0`
      await tx`set local jit = off`
      return {
        result: await work({
          find: (law, violations_max) => find(tx, law, violations_max),
          history: () => loadHistory(tx),
          archived: () => archived(tx),
        }),
      }
    })
    return result
  },
})
