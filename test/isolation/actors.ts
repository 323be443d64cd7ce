/**
 * Actors on the stage: one decision each, in steps that somebody else orders. `flights` is
 * TypeScript's own path, from `decide` down to what it sends; `sql` calls the functions that any
 * client may call (sql-actors.ts).
 */
import { decide, preview, type DecideDeps } from '../../src/decide/decide.ts'
import { newDecisionId } from '../../src/domain/decision-id.ts'
import type { Decider, Reads } from '../../src/domain/decider.ts'
import type { ReadPlan, Readings, Tried, Try } from '../../src/domain/ports.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import type { Reserved } from '../../src/store/connect.ts'
import {
  prepareSlots,
  readFlight,
  rollback,
  sendCommit,
  sendWrites,
  type Slots,
} from '../../src/store/flights.ts'
import { writtenNames, type Write } from '../../src/store/record-text.ts'
import { triedOf } from '../../src/store/try-errors.ts'
import type { Ended } from './oracle.ts'
import type { Player, Stage } from './schedule.ts'
import type { Session } from './sessions.ts'
import type { Actor } from './spec.ts'
import type { Facts } from './world.ts'

/** How a decision travels. The mutants change one of these. */
export interface Path {
  readonly read: (
    tx: Reserved,
    plan: ReadPlan,
    slots: Slots,
    options: { readonly held: boolean; readonly read_only: boolean },
  ) => Promise<Readings>
  readonly write: (tx: Reserved, write: Write) => Promise<void>
  readonly commit: (tx: Reserved, write: Write | null) => Promise<void>
  /** Takes a wrong turn where a write has failed; null: there is none, it has failed. */
  readonly afterFailure: ((tx: Reserved, write: Write, error: unknown) => Promise<void>) | null
}

/** As src/store/serializable.ts sends it, only that write and COMMIT are steps of their own. */
export const productPath: Path = {
  read: (tx, plan, slots, options) => readFlight(tx, plan, slots, options),
  write: async (tx, write) => {
    await sendWrites(tx, [write])
  },
  commit: async (tx) => {
    await sendCommit(tx)
  },
  afterFailure: null,
}

/** Of a process that has named before all that it writes, or of one that has named nothing. */
const newSlots = (known: boolean): Slots => {
  const seen = new Set<string>()
  const keys = (plan: ReadPlan): readonly string[] => [
    ...plan.resources.map((r) => resourceId(r.scope, r.kind, r.name)),
    ...plan.counters.map((c) => JSON.stringify([c.scope, c.metric])),
  ]
  return {
    unseen: (plan) => (known || keys(plan).every((key) => seen.has(key)) ? null : plan),
    made: (plan) => {
      for (const key of keys(plan)) seen.add(key)
    },
  }
}

export interface FlightOptions {
  readonly path: Path
  /** As from the second try on: rows are locked as they are read. */
  readonly held: boolean
}

interface Part extends FlightOptions {
  readonly tx: Reserved
  readonly stage: Stage
  readonly slots: Slots
  readonly actor: Actor
}

/** src/store/serializable.ts `decideIn`, with a stop before each step. */
const inSteps = async (part: Part, attempt: Try): Promise<Tried> => {
  const { tx, stage, slots, actor, path, held } = part
  await stage.pass(0)
  const { read_only } = attempt
  const readings = await path.read(tx, attempt.plan, slots, { held: held && !read_only, read_only })
  await stage.pass(1)
  const plan = attempt.decide(readings)
  if (plan === null) {
    if (actor.does === 'decides' || actor.does === 'rolls back') await stage.pass(2)
    await path.commit(tx, null)
    return { type: 'unwritten' }
  }
  const unseen = slots.unseen(writtenNames(plan))
  if (unseen !== null) {
    await rollback(tx)
    await prepareSlots(tx, unseen)
    slots.made(unseen)
    return { type: 'unprepared' }
  }
  const write = { id: attempt.id, plan }
  try {
    await path.write(tx, write)
  } catch (error) {
    if (path.afterFailure === null) throw error
    await path.afterFailure(tx, write, error)
  }
  await stage.pass(2)
  if (actor.does === 'rolls back') {
    await rollback(tx)
    return { type: 'conflict', sqlstate: 'its own', id_spent: false }
  }
  await path.commit(tx, write)
  return { type: 'written', entries: [] }
}

const endedOf = (tried: Tried | undefined, facts: Facts | undefined): Ended => {
  if (tried === undefined) throw new Error('an actor did nothing')
  switch (tried.type) {
    case 'written':
    case 'unwritten':
      if (facts === undefined) throw new Error('an actor committed without having read')
      return { type: 'committed', facts }
    case 'conflict':
      return { type: 'aborted', sqlstate: tried.sqlstate }
    case 'invalid':
      return { type: 'invalid', sqlstate: tried.sqlstate, reason: tried.reason }
    case 'unprepared':
    case 'paused':
      throw new Error('an actor ended without a try')
  }
}

const playFlights = async (
  session: Session,
  actor: Actor,
  scope: string,
  { known, ...options }: FlightOptions & { readonly known: boolean },
  stage: Stage,
): Promise<Ended> => {
  let seen: Facts | undefined
  let tried: Tried | undefined
  const part: Part = { ...options, tx: session.tx, stage, slots: newSlots(known), actor }
  const decider = actor.decider as Decider<Reads, undefined>
  const witnessed: Decider<Reads, undefined> = {
    ...decider,
    decide: (facts, input, context) => {
      seen = facts
      return decider.decide(facts, input, context)
    },
  }
  const once = async (attempt: Try): Promise<Tried> => {
    const one = await inSteps(part, attempt).catch(async (error: unknown) => {
      await rollback(session.tx)
      return triedOf(error)
    })
    tried = one
    return one
  }
  const deps: DecideDeps = {
    store: { once, countKinds: () => Promise.resolve([]), noteConflicts: () => Promise.resolve() },
    rules: { providers: new Map(), policies: [] },
    tries_max: 1,
    newId: () => newDecisionId(Date.now()),
    now: () => new Date(),
  }
  const run = actor.does === 'previews' ? preview(deps) : decide(deps)
  await run(witnessed, { scope, input: undefined })
  return endedOf(tried, seen)
}

/** An actor of TypeScript's path. */
export const flights =
  (options: FlightOptions) =>
  (session: Session, actor: Actor, scope: string, known: boolean): Player<Ended> => ({
    pid: session.pid,
    play: (stage) => playFlights(session, actor, scope, { ...options, known }, stage),
  })
