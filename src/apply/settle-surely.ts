/**
 * Settling that no single answer can hold up. What people only look at is kept as far as it can be; an
 * answer whose id or outputs cannot be kept parks its intent; and should the database refuse a batch all
 * the same, the one at fault is found, parked with the reason, and the others are written.
 */
import { setTimeout as pause } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { Json } from '../domain/json.ts'
import type { ApplyLog, Logger, StepResult } from '../domain/ports.ts'
import { brief, storable, wellFormed } from '../domain/storable.ts'
import { messageOf } from './call.ts'

const external_id_length_max = 4_096

/** Whatever else is in the way: a lease outlives its call by 5 s. */
const patience_ms = 4_000
const again_ms_max = 250

/** A state as evidence: kept as it is, or a word about why it is not. */
const evidence = (state: Json): Json => {
  const kept = storable(state)
  return E.isRight(kept) ? kept.right : { not_kept: kept.left }
}

/** Providers are people's code: what should be a text need not be one, and may quote what was sent. */
const text = (value: unknown): string => wellFormed(withoutSecrets(String(value)))

/** What later calls would rely on, and cannot be kept. */
const unusableIn = ({ external_id, outputs }: StepResult): string | null => {
  if (external_id !== undefined) {
    const kept = storable(external_id, external_id_length_max)
    if (E.isLeft(kept)) return `the id of what it made: ${kept.left}`
    if (typeof kept.right !== 'string') return 'the id of what it made is no text'
  }
  const kept = outputs === undefined ? E.right(null) : storable(outputs)
  return E.isLeft(kept) ? `outputs: ${kept.left}` : null
}

/** A look that confirmed: whether the effect is there is no question any more. */
const isConfirmation = (r: StepResult): boolean =>
  r.outcome === undefined && r.sighting !== undefined

/** The result as it can be written. */
const mended = (r: StepResult): StepResult => {
  const safe: StepResult = {
    ...r,
    reason: r.reason === null ? null : text(r.reason),
    ...(r.error === undefined ? {} : { error: text(r.error) }),
    ...(r.response === undefined ? {} : { response: evidence(r.response) }),
    ...(r.sighting === undefined
      ? {}
      : {
          sighting: {
            ...r.sighting,
            state: evidence(r.sighting.state),
            ...(r.sighting.revision === undefined ? {} : { revision: text(r.sighting.revision) }),
          },
        }),
  }
  const unusable = unusableIn(r)
  if (unusable === null) return safe
  const { external_id: _id, outputs: _outputs, ...rest } = safe
  const reason = `done, but what the API answered cannot be kept: ${unusable}`
  return isConfirmation(r)
    ? { ...rest, reason: r.state === 'confirmed' ? reason : safe.reason }
    : { ...rest, state: 'in_doubt', due_in_ms: null, reason, error: reason }
}

/** All that can be said of an intent whose result the database refuses. */
const parked = (r: StepResult, error: unknown): StepResult => {
  const reason = brief(`what came of it cannot be written: ${messageOf(error)}`)
  const { entry, resource, epoch, number } = r
  return {
    ...{ entry, resource, epoch, number, state: 'in_doubt', due_in_ms: null, reason, looks: 0 },
    ...(r.outcome === undefined
      ? {}
      : { outcome: 'in_doubt', error_class: 'not_written', error: reason }),
  }
}

const mendedOrParked = (r: StepResult): StepResult => {
  try {
    return mended(r)
  } catch (error) {
    return parked(r, error)
  }
}

/** Refused for what is in it, by JSON or by Postgres (data, constraint, limit): it will be again. */
const isRefusal = (error: unknown): boolean => {
  if (error instanceof TypeError || error instanceof RangeError) return true
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' && /^(22|23|54)...$/.test(code)
}

type Settle = ApplyLog['settle']

/**
 * Nobody is there to write it: SQLSTATEs of classes 08 and 57P and too many connections, and all that is no SQLSTATE.
 * The leases of this worker are taken over as soon as there is somebody again, yet not before.
 */
const isAway = (error: unknown): boolean => {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code !== 'string') return false
  return !/^(?=.*\d)[0-9A-Z]{5}$/.test(code) || /^(08...|57P..|53300)$/.test(code)
}

/**
 * Repeats what failed for no fault of its own. Harmless: what was written already is not written again. While the
 * database is away the answers are kept: nobody else can know them, and calls that cannot be looked up would be parked.
 */
const patient =
  (settle: Settle, keep_answers_ms: number, logger: Logger): Settle =>
  async (worker, results) => {
    const began = performance.now()
    for (let wait_ms = 50; ; wait_ms = Math.min(again_ms_max, wait_ms * 2)) {
      try {
        return await settle(worker, results)
      } catch (error) {
        const patience = isAway(error) ? Math.max(keep_answers_ms, patience_ms) : patience_ms
        if (isRefusal(error) || performance.now() - began + wait_ms > patience) throw error
        if (wait_ms === 50) {
          const intents = results.map((r) => r.entry)
          logger.warn({ error, intents }, `outcomes not written yet; again for ${patience} ms`)
        }
        await pause(wait_ms, undefined, { ref: false })
      }
    }
  }

/** `settle` of a log, made to fail only when the database cannot be reached for so long. */
export const settlingSurely = (
  log: ApplyLog,
  keep_answers_ms: number,
  logger: Logger,
): ApplyLog => {
  const write = patient(log.settle, keep_answers_ms, logger)
  const settle: Settle = async (worker, results) => {
    try {
      return await write(worker, results)
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [first] = results
      if (first === undefined) throw error
      if (results.length === 1) {
        logger.error({ error, intent: first.entry }, 'its outcome cannot be written: parked')
        return write(worker, [parked(first, error)])
      }
      const middle = Math.ceil(results.length / 2)
      return [
        ...(await settle(worker, results.slice(0, middle))),
        ...(await settle(worker, results.slice(middle))),
      ]
    }
  }
  return { ...log, settle: (worker, results) => settle(worker, results.map(mendedOrParked)) }
}
