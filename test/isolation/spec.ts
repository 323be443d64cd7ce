/** What a spec of the isolation suite is: a law, a world to begin with, and actors who put it in danger. */
import {
  defineDecider,
  refuse,
  type AnyDecider,
  type Assumed,
  type Decider,
  type IntentDraft,
  type Queries,
  type Reads,
} from '../../src/domain/decider.ts'
import { isJsonObject } from '../../src/domain/json.ts'
import type { World } from './world.ts'

export interface Actor {
  readonly decider: AnyDecider
  /** `reads`: it always refuses, so it has no step between its reads and COMMIT. */
  readonly does: 'decides' | 'reads' | 'previews' | 'rolls back'
}

export interface Spec {
  readonly name: string
  /** Whose test it was. */
  readonly source: string
  readonly law: string
  /** Decisions that make the world to begin with, one after the other. */
  readonly initial: readonly (readonly IntentDraft[])[]
  readonly actors: readonly Actor[]
  /** `always`: some order must abort somebody; `never`: they have nothing in common. */
  readonly meet: 'always' | 'never'
  /** The law, where it can be told from the world alone. */
  readonly holds?: (world: World) => boolean
  /** Only these orders, where all would be too many. */
  readonly orders?: readonly (readonly number[])[]
  /** `all`: every actor is like every other. `ring`: so is the whole, when each takes the next one's part. */
  readonly alike?: 'all' | 'ring'
  /** Somebody writes what he has not read, so that he can be told that his intents do not fit. */
  readonly blind?: true
  /** Nobody has named anything before that he does not read: whoever writes it has to begin again. */
  readonly unnamed?: true
}

type Read<R extends Reads> = (q: Queries) => R
type Decide<R extends Reads> = Decider<R, undefined>['decide']

/** An actor who reads, decides and writes. */
export const decides = <R extends Reads>(
  name: string,
  read: Read<R>,
  decide: Decide<R>,
): Actor => ({ decider: defineDecider({ name, version: 1, read, decide }), does: 'decides' })

/** An actor who decides on nothing: his refusal relies on what he read like any decision. */
export const refuses = <R extends Reads>(name: string, read: Read<R>): Actor => ({
  decider: defineDecider({ name, version: 1, read, decide: () => refuse('it is a report') }),
  does: 'reads',
})

/** The same in a READ ONLY transaction, as `foreword plan` does it. */
export const previews = <R extends Reads>(name: string, read: Read<R>): Actor => ({
  ...refuses(name, read),
  does: 'previews',
})

/** An actor who takes back what he has written, instead of COMMIT. */
export const rollsBack = (actor: Actor): Actor => ({ ...actor, does: 'rolls back' })

export const stepsOf = (actor: Actor): number =>
  actor.does === 'reads' || actor.does === 'previews' ? 2 : 3

/** A number in the state of a resource; 0 where it is absent. */
export const numberIn = (assumed: Assumed | null | undefined, field = 'value'): number => {
  const state = assumed?.state
  return state !== undefined && isJsonObject(state) ? Number(state[field] ?? 0) : 0
}

/** The same of a world that has ended. */
export const numberAt = (world: World, key: string, field = 'value'): number => {
  const state = world.get(key)?.state
  return state !== undefined && isJsonObject(state) ? Number(state[field] ?? 0) : 0
}

/** Whether a resource is there when all is over. */
export const isThere = (world: World, key: string): boolean =>
  (world.get(key)?.state ?? null) !== null

/** How many of a kind are there when all is over. */
export const countOf = (world: World, kind: string): number =>
  [...world.keys()].filter((key) => key.startsWith(`${kind}/`) && isThere(world, key)).length
