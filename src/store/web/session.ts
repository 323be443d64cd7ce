/**
 * Transactions of the page. It reads as `foreword_reader`, which reaches nothing but the views, and cannot
 * write; only a ruling is a transaction of another kind, as `foreword_operator`. Where the user that foreword
 * logs in as may not take these roles, it stays what it is, and reading is read only all the same.
 */
import type { Sql, TransactionSql } from '../connect.ts'

/** A page that takes longer is of no use to anybody, and must not keep the database busy. */
const statement_timeout_ms = 3_000

type Role = 'foreword_reader' | 'foreword_operator'

const mayTake = async (sql: Sql, role: Role): Promise<boolean> => {
  const [row] = await sql<{ may: boolean }[]>`
    select
      case
        when current_setting('server_version_num')::integer >= 160000
          then pg_has_role(current_user, r.oid, 'SET')
        else pg_has_role(current_user, r.oid, 'MEMBER')
      end as may
    from pg_roles r
    where r.rolname = ${role}`
  return row?.may === true
}

/** Asked once; again after a database that did not answer. */
const remembered = (ask: () => Promise<boolean>): (() => Promise<boolean>) => {
  let known: Promise<boolean> | undefined
  return () => {
    known ??= ask()
    known.catch(() => (known = undefined))
    return known
  }
}

/** Makes a transaction that of a role; does nothing where the role may not be taken. */
export const takingRole = (sql: Sql, role: Role): ((tx: TransactionSql) => Promise<void>) => {
  const may = remembered(() => mayTake(sql, role))
  return async (tx) => {
    if (await may()) await tx`select set_config('role', ${role}, true)`
  }
}

export type Reading = <A>(work: (tx: TransactionSql) => Promise<A>) => Promise<A>

/** Reads of one snapshot, in a transaction that cannot write. */
export const reading = (sql: Sql): Reading => {
  const may = remembered(() => mayTake(sql, 'foreword_reader'))
  return async (work) => {
    const reader = await may()
    const held: { value?: Awaited<ReturnType<typeof work>> } = {}
    await sql.begin('isolation level repeatable read read only', async (tx) => {
      // Sent now, ahead of the first query: a query is sent when somebody waits for it, and `work` may be first.
      const settings = tx`
        select
          set_config('statement_timeout', ${String(statement_timeout_ms)}, true),
          case when ${reader}::boolean then set_config('role', 'foreword_reader', true) end`.execute()
      const [, value] = await Promise.all([settings, work(tx)])
      held.value = value
    })
    return held.value as Awaited<ReturnType<typeof work>>
  }
}

/** The database's clock, which all ages on a page are told by. */
export const takenAt = async (tx: TransactionSql): Promise<Date> => {
  const [row] = await tx<{ taken_at: Date }[]>`select clock_timestamp() as taken_at`
  if (row === undefined) throw new Error('the clock did not answer')
  return row.taken_at
}
