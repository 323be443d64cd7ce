/**
 * Somebody who decides in SQL: one connection, statements as any client of any language sends them,
 * and none of the settings of foreword's own sessions.
 */
import { codeOf, connectSql, type Reserved, type Sql } from '../../src/store/connect.ts'
import { eventually } from './eventually.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

/** How its sessions are called in pg_stat_activity. */
export const sql_client = 'test:sql-client'
/** Those of deciders in TypeScript. */
export const typescript = 'foreword:decide'

export const sqlClient = async (t: Teardown, url: string): Promise<Reserved> => {
  const pool = connectSql({ url, application_name: sql_client, max: 1 })
  const tx = await pool.reserve()
  t.teardown(async () => {
    tx.release()
    await pool.end({ timeout: 1 })
  })
  return tx
}

export const begin = async (tx: Reserved, mode = 'serializable'): Promise<void> => {
  await tx.unsafe(`begin isolation level ${mode}`)
}

/** COMMIT of a failed transaction answers ROLLBACK without an error: only its tag tells. */
export const commit = async (tx: Reserved): Promise<void> => {
  const { command } = await tx.unsafe('commit')
  if (command !== 'COMMIT') throw new Error(`COMMIT answered ${command}`)
}

/** BEGIN, what is done in it, and COMMIT; ROLLBACK when it throws. */
export const inTransaction = async <A>(
  tx: Reserved,
  work: () => Promise<A>,
  mode?: string,
): Promise<A> => {
  await begin(tx, mode)
  try {
    const done = await work()
    await commit(tx)
    return done
  } catch (error) {
    await tx.unsafe('rollback')
    throw error
  }
}

/** The SQLSTATE that it fails with; '' where it does not. */
export const sqlstateOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return ''
  } catch (error) {
    const code = codeOf(error)
    if (code === '') throw error
    return code
  }
}

const isBlocked = async (sql: Sql, application: string): Promise<boolean> => {
  const waiting = await sql`
    select from pg_stat_activity
    where
      datname = current_database()
      and application_name = ${application}
      and wait_event_type = 'Lock'`
  return waiting.length > 0
}

/** Waits until work is done, one way or the other, or waits itself for a lock of somebody else. */
export const doneOrBlocked = async (
  sql: Sql,
  work: Promise<unknown>,
  application: string,
): Promise<void> => {
  const state = { done: false }
  void work
    .catch(() => undefined)
    .finally(() => {
      state.done = true
    })
  await eventually(
    `work of ${application} is done or blocked`,
    async () => state.done || (await isBlocked(sql, application)),
  )
}
