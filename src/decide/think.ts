/**
 * Slow deciders: a pricing API, a model. An open transaction may not wait for them (after some ten
 * thousand commits of others Postgres forgets conflicts), so they think outside of any, on one snapshot,
 * and the decision is made in a short transaction that finds the same premises.
 */
import * as E from 'fp-ts/lib/Either.js'
import { Json as JsonCodec } from '../domain/codec/codec.ts'
import type { Json } from '../domain/json.ts'
import type { Reads } from '../domain/decider.ts'
import type { ReadPlan, Readings } from '../domain/ports.ts'
import type { Invalid } from './changes.ts'
import { factsIn, type DecideDeps, type Run } from './consider.ts'
import { countersOf, predicatesOf, premisesOf } from './plan.ts'

/** In `foreword.conflict`: what was thought over had moved when it was to be decided. */
export const moved_sqlstate = 'FW031'

export interface Thinking<Thought> {
  readonly thought: Thought
  /** The same as the log keeps it, in an array of one; null: nothing was thought, or it cannot be kept. */
  readonly kept: readonly Json[] | null
  /** Whether these readings are what was thought over: every version, every answer, every counter. */
  readonly holds: (readings: Readings) => boolean
}

/** A thought that is larger is not kept with its decision, which everybody who replays the log would carry. */
const thought_bytes_max = 64 * 1024

/** With premises, input and clock all that a decision is made of. Kept once for each thinking, not for each try. */
const keep = (thought: unknown): readonly Json[] | null => {
  const json = JsonCodec.decode(thought)
  if (E.isLeft(json)) return null
  return Buffer.byteLength(JSON.stringify(json.right)) > thought_bytes_max ? null : [json.right]
}

/** All that was read, as a text to compare. */
export const premisesIn = (plan: ReadPlan, readings: Readings): string =>
  JSON.stringify([
    premisesOf(plan, readings).toSorted((a, b) => (a.resource < b.resource ? -1 : 1)),
    predicatesOf(plan, readings),
    countersOf(plan, readings),
  ])

/**
 * Reads in a snapshot and lets the decider think it over; at once and holding on everything where it does
 * not think. What it thought in the last try counts again where the snapshot is still what that was about:
 * thoughts are slow and may cost money, and many a try is lost to a lock while nothing has moved.
 */
export const thinkOver = async <R extends Reads, Input, Thought>(
  deps: DecideDeps,
  run: Run<R, Input, Thought>,
  last?: Thinking<Thought>,
): Promise<E.Either<Invalid, Thinking<Thought>>> => {
  const { decider, options, plan } = run
  if (decider.think === undefined) {
    // Without `think` Thought is undefined: the type of Decider says so.
    return E.right({ thought: undefined as Thought, kept: null, holds: () => true })
  }
  let seen: Readings | undefined
  const tried = await deps.store.once({
    id: deps.newId(),
    plan,
    company: 'alone',
    read_only: true,
    decide: (readings) => {
      seen = readings
      return null
    },
  })
  if (tried.type === 'invalid') return E.left(tried)
  if (seen === undefined) throw new Error('a snapshot was not read')
  if (last?.holds(seen) === true) return E.right(last)
  const facts = factsIn(run, seen)
  if (E.isLeft(facts)) return facts
  const thought = await decider.think(facts.right, options.input, {
    scope: options.scope,
    now: deps.now(),
  })
  const premises = premisesIn(plan, seen)
  return E.right({
    thought,
    kept: keep(thought),
    holds: (readings) => premisesIn(plan, readings) === premises,
  })
}
