/**
 * The floor of the benches that measure speed: what a hurried programmer writes. Every statement is
 * awaited, at READ COMMITTED, and nothing is recorded but what was intended.
 */
import { randomUUID } from 'node:crypto'
import { codeOf, type Reserved, type Sql } from '../src/store/connect.ts'

/** A table of states like ours, and a bare log. Ours must be seeded before. */
export const makeFloor = async (sql: Sql): Promise<void> => {
  await sql`create table floor_state (id uuid primary key, version bigint not null, state jsonb not null) with (fillfactor = 50)`
  await sql`insert into floor_state select resource, 1, assumed from foreword_private.resource_state`
  await sql`create table floor_intent (id uuid primary key, resource uuid not null, body jsonb not null, at timestamptz not null default now())`
  await sql`vacuum analyze floor_state`
}

const write = async (tx: Reserved, id: string): Promise<void> => {
  await tx`update floor_state set version = version + 1, state = '{"size":"m"}' where id = ${id}`
  await tx`insert into floor_intent (id, resource, body) values (${randomUUID()}, ${id}, '{"size":"m"}')`
  await tx`commit`
}

/** Reads all and updates the first, without locks: wrong whenever two of them meet. */
export const hurried = async (sql: Sql, ids: readonly [string, ...string[]]): Promise<boolean> => {
  const tx = await sql.reserve()
  try {
    await tx`begin`
    for (const id of ids) await tx`select version, state from floor_state where id = ${id}`
    await write(tx, ids[0])
    return true
  } finally {
    tx.release()
  }
}

/**
 * The same, and right about rows that are there: whatever is read is locked, in the order of the ids,
 * so that nobody deadlocks for nothing. A deadlock all the same is not done, and tried again.
 */
export const hurriedForUpdate = async (
  sql: Sql,
  ids: readonly [string, ...string[]],
): Promise<boolean> => {
  const tx = await sql.reserve()
  try {
    for (;;) {
      try {
        await tx`begin`
        for (const id of [...ids].toSorted()) {
          await tx`select version, state from floor_state where id = ${id} for update`
        }
        await write(tx, ids[0])
        return true
      } catch (error) {
        await tx`rollback`
        if (codeOf(error) !== '40P01') throw error
      }
    }
  } finally {
    tx.release()
  }
}
