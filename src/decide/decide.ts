/**
 * Deciding: read, decide, write, in that order, and again from the start when somebody else was
 * first. The one place that retries a serializable transaction.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import type { Compensation, Decider, Reads, Refusal } from '../domain/decider.ts'
import type { Change, ConflictNote, Readings, Tried, Try, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { DecideResult, IntentRef } from '../domain/result.ts'
import { decide_again_ms } from '../domain/retry-policy.ts'
import type { Invalid } from './changes.ts'
import {
  consider,
  runOf,
  type Considered,
  type DecideDeps,
  type DecideOptions,
  type Run,
} from './consider.ts'
import { createCounting } from './counting.ts'
import type { Counted } from './hold-deletes.ts'
import { createNaming } from './naming.ts'
import { countersOf, predicatesOf, premisesOf } from './plan.ts'
import { moved_sqlstate, premisesIn, thinkOver, type Thinking } from './think.ts'

export type { DecideDeps, DecideOptions } from './consider.ts'

/** Nothing where it is what every decision does. */
const compensationOf = (compensation: Compensation | undefined): { compensation?: Compensation } =>
  compensation === undefined || compensation === 'keep_going' ? {} : { compensation }

const writePlan = <R extends Reads, Input, Thought>(
  run: Run<R, Input, Thought>,
  readings: Readings,
  considered: Extract<Considered, { type: 'changes' }>,
  tries: number,
  at: { readonly now: Date; readonly kept: Thinking<unknown>['kept'] },
): WritePlan => ({
  head: {
    scope: run.options.scope,
    decider: run.decider.name,
    decider_version: run.decider.version,
    actor: run.options.actor ?? '',
    reason: run.options.reason ?? '',
    input: run.options.input ?? null,
    tries,
    saw_at: at.now.toISOString(),
    ...(run.decider.apart === true ? { apart: true } : {}),
    ...compensationOf(run.decider.compensation),
    ...(run.options.instead_of === undefined ? {} : { instead_of: run.options.instead_of }),
    ...(at.kept === null ? {} : { thought: at.kept }),
    ...(run.options.traceparent === undefined ? {} : { traceparent: run.options.traceparent }),
  },
  premises: premisesOf(run.plan, readings),
  predicates: predicatesOf(run.plan, readings),
  counters: countersOf(run.plan, readings),
  cause: run.options.cause ?? 'intent',
  changes: considered.changes,
  acted: considered.acted,
})

const intentsOf = (
  entries: readonly { readonly id: number; readonly resource: string; readonly version: number }[],
  changes: readonly Change[],
): readonly IntentRef[] => {
  const byId = new Map(changes.map((c) => [resourceId(c.scope, c.kind, c.name), c]))
  const newest = new Map<string, number>()
  for (const { resource, version } of entries) {
    newest.set(resource, Math.max(version, newest.get(resource) ?? 0))
  }
  return entries.flatMap(({ id, resource, version }) => {
    const change = byId.get(resource)
    if (change === undefined) return []
    const { scope, kind, name } = change
    // A replacement is two intents.
    const half = version === newest.get(resource) ? 'create' : 'delete'
    const verb = change.replace === undefined ? change.verb : half
    return [{ id, scope, kind, name, verb, version }]
  })
}

const resultOf = (
  tried: Exclude<Tried, { type: 'conflict' | 'unprepared' }>,
  considered: Considered | undefined,
  decision: string,
  tries: number,
): DecideResult => {
  if (tried.type === 'invalid') return tried
  if (tried.type === 'paused') return { type: 'refused', reason: tried.reason, tries, paused: true }
  if (considered === undefined) throw new Error('a try ended without a decision')
  switch (considered.type) {
    case 'refused':
      return { type: 'refused', reason: considered.reason, tries }
    case 'invalid':
      return { type: 'invalid', ...considered.why }
    case 'uncounted':
      throw new Error('a try ended before its kinds were counted')
    case 'changes': {
      if (tried.type === 'unwritten') return { type: 'unchanged', tries }
      const intents = intentsOf(tried.entries, considered.changes)
      return { type: 'decided', decision, intents, tries }
    }
  }
}

interface OneTry {
  readonly tried: Tried
  readonly considered: Considered | undefined
  /** The facts that it was decided on; only where names have to be made known first. */
  readonly facts?: string
}

/** One try: reads, the decider's own code, and the write of what it came to. */
const tryOnce = async <R extends Reads, Input, Thought>(
  deps: DecideDeps,
  run: Run<R, Input, Thought>,
  thinking: Thinking<Thought>,
  at: {
    readonly id: string
    readonly company: Try['company']
    readonly tries: number
    readonly counted: Counted
    readonly now: () => Date
  },
): Promise<OneTry> => {
  const { id, company, tries, counted } = at
  const last: {
    moved: boolean
    considered: Considered | undefined
    readings: Readings | undefined
  } = { moved: false, considered: undefined, readings: undefined }
  const pure = (readings: Readings): WritePlan | null => {
    last.readings = readings
    last.moved = !thinking.holds(readings)
    if (last.moved) return null
    const now = at.now()
    const considered = consider(deps, run, readings, { now, thought: thinking.thought, counted })
    last.considered = considered
    if (considered.type !== 'changes' || considered.changes.length === 0) return null
    return writePlan(run, readings, considered, tries, { now, kept: thinking.kept })
  }
  const { plan } = run
  const { scope } = run.options
  const tried = await deps.store.once({ id, scope, plan, company, read_only: false, decide: pure })
  if (last.moved && tried.type === 'unwritten') {
    const moved: Tried = { type: 'conflict', sqlstate: moved_sqlstate, id_spent: false }
    return { tried: moved, considered: undefined }
  }
  return tried.type === 'unprepared' && last.readings !== undefined
    ? { tried, considered: last.considered, facts: premisesIn(plan, last.readings) }
    : { tried, considered: last.considered }
}

/** Runs a decider until it commits, refuses, or has lost too often. A throw is the decider's own, or an outage. */
export const decide =
  (deps: DecideDeps) =>
  async <R extends Reads, Input, Thought = undefined>(
    decider: Decider<R, Input, Thought>,
    options: DecideOptions<Input>,
  ): Promise<DecideResult> => {
    const asked = runOf(decider, options)
    if (E.isLeft(asked)) return { type: 'invalid', ...asked.left }
    const run = asked.right

    let id = deps.newId()
    const notes: ConflictNote[] = []
    const note = async (decision: string | null): Promise<void> => {
      if (notes.length > 0) await deps.store.noteConflicts(notes.map((n) => ({ ...n, decision })))
    }
    let company: Try['company'] = 'grouped'
    let thinking: Thinking<Thought> | undefined
    const counting = createCounting(deps.store)
    const naming = createNaming(decider.name, deps.tries_max)
    let clock: Date | undefined
    for (let tries = 1; tries <= deps.tries_max; tries++) {
      const thought = await thinkOver(deps, run, thinking)
      if (E.isLeft(thought)) return { type: 'invalid', ...thought.left }
      thinking = thought.right
      const one: OneTry = await tryOnce(deps, run, thinking, {
        id,
        company,
        tries,
        counted: counting.counted,
        now: () => (clock ??= deps.now()),
      })
      const { tried, considered } = one
      if (tried.type === 'unwritten' && considered?.type === 'uncounted') {
        await counting.ask(considered.kinds)
        tries -= 1
        continue
      }
      // Names were written that had not been read: their slots are there now, so this was no try.
      if (tried.type === 'unprepared') {
        const next = naming(one)
        if (typeof next === 'object') return { type: 'invalid', ...next }
        if (next === 'again') tries -= 1
        continue
      }
      clock = undefined
      if (tried.type !== 'conflict') {
        await note(tried.type === 'written' ? id : null)
        return resultOf(tried, considered, id, tries)
      }
      const { scope } = options
      notes.push({ scope, decider: decider.name, decision: id, tries, sqlstate: tried.sqlstate })
      if (tried.id_spent) id = deps.newId()
      company = tried.grouped === true ? 'alone' : 'in_line'
      if (company === 'in_line') await sleep(decide_again_ms(tries))
    }
    await note(null)
    return {
      type: 'gave_up',
      tries: deps.tries_max,
      last_sqlstate: notes.at(-1)?.sqlstate ?? '40001',
    }
  }

/** What a decider would intend now: the same reads in a READ ONLY transaction, and nothing written. */
export const preview =
  (deps: DecideDeps) =>
  async <R extends Reads, Input, Thought = undefined>(
    decider: Decider<R, Input, Thought>,
    options: DecideOptions<Input>,
  ): Promise<E.Either<Refusal | Invalid, readonly Change[]>> => {
    const asked = runOf(decider, options)
    if (E.isLeft(asked)) return asked
    const run = asked.right
    let last: Thinking<Thought> | undefined
    const counting = createCounting(deps.store)
    for (let tries = 1; tries <= deps.tries_max; tries++) {
      const thought = await thinkOver(deps, run, last)
      if (E.isLeft(thought)) return thought
      const thinking = thought.right
      last = thinking
      let considered: Considered | undefined
      const tried = await deps.store.once({
        id: deps.newId(),
        plan: run.plan,
        company: 'alone',
        read_only: true,
        decide: (readings) => {
          if (!thinking.holds(readings)) return null
          const at = { now: deps.now(), thought: thinking.thought, counted: counting.counted }
          considered = consider(deps, run, readings, at)
          return null
        },
      })
      if (tried.type === 'conflict' || considered === undefined) continue
      if (considered.type === 'uncounted') {
        await counting.ask(considered.kinds)
        tries -= 1
        continue
      }
      if (considered.type === 'refused') return E.left({ reason: considered.reason })
      if (considered.type === 'invalid') return E.left(considered.why)
      return E.right(considered.changes)
    }
    return E.left({ reason: 'others were faster each time' })
  }
