/**
 * One try at a serializable transaction in two flights: BEGIN and all reads, then the write and
 * COMMIT. Nothing waits inside it but the network: an open writing transaction poisons everyone's
 * conflict detection. Retrying is the caller's: a try either committed, or left nothing.
 */
import { createHash } from 'node:crypto'
import type { ReadPlan, Readings, Tried, Try } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Reserved, Sql } from './connect.ts'
import {
  prepareSlots,
  readFlight,
  rollback,
  sendCommit,
  writeFlight,
  type Slots,
} from './flights.ts'
import { writtenNames } from './record-text.ts'
import { commitOutcome } from './tombstone.ts'
import { isConnectionLoss, triedOf } from './try-errors.ts'

/** Session advisory locks on what is read, taken before BEGIN: inside, the snapshot would be fixed already. */
const lockKeys = (plan: ReadPlan): readonly string[] => {
  const names = [
    ...plan.resources.map((r) => resourceId(r.scope, r.kind, r.name)),
    ...plan.finds.map((f) => JSON.stringify([f.scope, f.kind, f.labels])),
    ...plan.counters.map((c) => JSON.stringify([c.scope, c.metric])),
  ]
  const keys = names.map((name) =>
    createHash('sha256').update(name).digest().readBigInt64BE(0).toString(),
  )
  return [...new Set(keys)].sort().slice(0, 64)
}

/** The reads, behind the line of those who want the same where asked. */
const readInLine = async (tx: Reserved, attempt: Try, slots: Slots): Promise<Readings> => {
  const { plan, read_only } = attempt
  const held = attempt.company === 'in_line'
  const keys = held ? lockKeys(plan) : []
  if (keys.length > 0) await tx`select pg_advisory_lock(k) from unnest(${keys}::bigint[]) as k`
  return readFlight(tx, plan, slots, { held, read_only })
}

const decideIn = async (
  tx: Reserved,
  slots: Slots,
  attempt: Try,
  stage: { committing: boolean },
): Promise<Tried> => {
  const readings = await readInLine(tx, attempt, slots)
  const plan = attempt.decide(readings)
  if (plan === null) {
    await sendCommit(tx)
    return { type: 'unwritten' }
  }
  const unseen = slots.unseen(writtenNames(plan))
  if (unseen !== null) {
    await rollback(tx)
    await prepareSlots(tx, unseen)
    slots.made(unseen)
    return { type: 'unprepared' }
  }
  stage.committing = true
  return { type: 'written', entries: await writeFlight(tx, [{ id: attempt.id, plan }]) }
}

/** Runs one try on a connection of its own. */
export const once = async (sql: Sql, slots: Slots, attempt: Try): Promise<Tried> => {
  const tx = await sql.reserve()
  const stage = { committing: false }
  try {
    return await decideIn(tx, slots, attempt, stage)
  } catch (error) {
    if (isConnectionLoss(error)) {
      if (!stage.committing) return { type: 'conflict', sqlstate: '08006', id_spent: false }
      return await commitOutcome(sql, [attempt.id])(attempt.id)
    }
    await rollback(tx)
    return triedOf(error)
  } finally {
    if (attempt.company === 'in_line')
      await tx`select pg_advisory_unlock_all()`.catch(() => undefined)
    tx.release()
  }
}
