/** A provider of kind `thing` whose calls are the test's own, and what a test says to have it called. */
import * as io from 'io-ts'
import { defineDecider, type IntentDraft } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import {
  applied,
  defaultTraits,
  type AnyProvider,
  type Call,
  type Outcome,
  type Sighting,
  type Traits,
} from '../../src/domain/provider.ts'

export interface Script {
  readonly traits?: Partial<Traits>
  /** Every verb. Default: applied. */
  readonly call?: (call: Call) => Promise<Outcome>
  /** Default: there is none. */
  readonly read?: () => Promise<Sighting | null>
}

export const scriptedProvider = (script: Script): AnyProvider => {
  const call = script.call ?? ((of) => Promise.resolve(applied(of.spec as Json)))
  const Anything = new io.Type<unknown, Json>(
    'anything',
    (_): _ is unknown => true,
    io.success,
    (value) => value as Json,
  )
  return {
    kind: 'thing',
    spec: Anything,
    state: Anything,
    traits: { ...defaultTraits, call_timeout_ms: 2_000, sightings: 0, ...script.traits },
    create: call,
    update: call,
    delete: call,
    read: script.read ?? (() => Promise.resolve(null)),
  }
}

/** Intends what it is told to, and reads nothing. */
export const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})
