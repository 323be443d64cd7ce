/**
 * A log that has come from another server, by a dump or by replication: its transaction numbers are ahead of
 * this server's, and certification would take every new decision for older than all that is there. From the
 * next migration on the log counts ahead by as much (sql/006_log_clock.sql).
 */
import type { Sql, TransactionSql } from '../connect.ts'

/** False also where the schema is of a release that could not tell, or not there yet. */
export const logHasMoved = async (sql: Sql | TransactionSql): Promise<boolean> => {
  const [known] = await sql<{ there: boolean }[]>`
    select to_regprocedure('foreword_code.log_has_moved()') is not null as there`
  if (known?.there !== true) return false
  const [log] = await sql<{ moved: boolean }[]>`select foreword_code.log_has_moved() as moved`
  return log?.moved === true
}

/** Whatever is recorded from now on has a number above all that were. */
export const countAhead = async (tx: TransactionSql): Promise<void> => {
  await tx`
    insert into foreword_private.log_clock as c (ahead_by)
    select max(d.xid)::text::bigint + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    from foreword_private.decision d
    on conflict (one) do update
    set ahead_by = excluded.ahead_by`
}
