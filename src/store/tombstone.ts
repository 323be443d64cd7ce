/**
 * A connection broke at COMMIT: did it commit? Asked by inserting the decision's own id as a tombstone
 * and then reading whose row stands there. The insert waits on the unique index until the lost
 * transaction has ended, so what is read is final:
 * - A decision: it had committed.
 * - A tombstone: it never can. Where the lost transaction is still on its way and has not even
 *   inserted its decision (its statements linger in some buffer), it meets the tombstone: its insert
 *   fails (23505, or 40001 from its older snapshot), that fails the transaction, and its COMMIT
 *   answers ROLLBACK. For that the inserts of foreword_code.record and record_one must not forgive a conflict.
 * A SELECT alone is no answer: "not there" may mean "not yet".
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ForewordError } from '../domain/errors.ts'
import type { Tried, WrittenEntry } from '../domain/ports.ts'
import { backoff_ms } from '../domain/retry-policy.ts'
import type { Sql } from './connect.ts'

/** How long the database may be away before the outcome is given up as unknown. */
const asking_ms_max = 30_000
/** A try that takes longer hangs on a connection that is dead and does not say so. */
const try_ms_max = 5_000

type Entry = WrittenEntry & { readonly decision: string }

/** All that the transaction wrote; null: it never committed, and cannot any more. */
type Fate = readonly Entry[] | null

/**
 * One try, on a connection that is not the lost one. Its lock_timeout (55P03) is no answer, and neither
 * is any other error.
 */
const ask = async (sql: Sql, ids: readonly [string, ...string[]]): Promise<Fate> => {
  const tx = await sql.reserve()
  const hanging = setTimeout(() => void tx.end({ timeout: 0 }), try_ms_max)
  try {
    const [row] = await tx<{ committed: boolean }[]>`
      select foreword.committed(${ids[0]}) as committed`
    if (row?.committed !== true) return null
    return await tx<Entry[]>`
      select e.decision, e.id, e.resource, e.version
      from foreword_code.entries_of(${ids}::uuid[]) e`
  } finally {
    clearTimeout(hanging)
    tx.release()
  }
}

const askUntilAnswered = async (
  sql: Sql,
  ids: readonly [string, ...string[]],
  within_ms: number,
): Promise<Fate> => {
  const deadline = performance.now() + within_ms
  for (let tries = 0; ; tries++) {
    try {
      return await ask(sql, ids)
    } catch (error) {
      const pause_ms = backoff_ms(Math.min(tries, 3))
      if (performance.now() + pause_ms > deadline) throw error
      await sleep(pause_ms)
    }
  }
}

const unknown = (id: string, cause: unknown): ForewordError =>
  new ForewordError(
    `the outcome of decision ${id} is unknown: the connection broke at COMMIT, and the database could not be asked since`,
    {
      remedy: `ask when it answers again: select foreword.committed('${id}'); true: it is decided; false: it never will be`,
      cause,
    },
  )

/**
 * What became of a transaction whose COMMIT was lost, for each of the decisions that it wrote: they
 * have one fate, so it is asked for once. Throws a ForewordError when nothing answers for too long.
 */
export const commitOutcome = (
  sql: Sql,
  ids: readonly string[],
  { within_ms = asking_ms_max }: { readonly within_ms?: number } = {},
): ((id: string) => Promise<Tried>) => {
  const [first, ...others] = ids
  if (first === undefined) throw new Error('a transaction without a decision has no outcome')
  const asked = askUntilAnswered(sql, [first, ...others], within_ms)
  return async (id) => {
    const fate = await asked.catch((error: unknown) => {
      throw unknown(id, error)
    })
    if (fate === null) return { type: 'conflict', sqlstate: '08007', id_spent: true }
    return { type: 'written', entries: fate.filter((entry) => entry.decision === id) }
  }
}
