/** A provider of the test's own: what it answers is said by the test, for each name. */
import * as t from 'io-ts'
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

export interface Things {
  readonly kind?: string
  readonly traits?: Partial<Traits>
  readonly spec?: t.Type<unknown, Json>
  readonly create?: (call: Call) => Promise<Outcome>
  readonly read?: (name: string) => Promise<Sighting | null>
  readonly find?: (call: Call) => Promise<Sighting | null>
}

const AnyJson = t.unknown as t.Type<unknown, Json>

export const thingProvider = (things: Things = {}): AnyProvider => {
  const create = things.create ?? ((call: Call) => Promise.resolve(applied(call.spec as Json)))
  return {
    kind: things.kind ?? 'thing',
    spec: things.spec ?? AnyJson,
    state: AnyJson,
    traits: { ...defaultTraits, sightings: 0, call_timeout_ms: 2_000, ...things.traits },
    create,
    update: create,
    delete: () => Promise.resolve(applied(null)),
    read: ({ name }) => things.read?.(name) ?? Promise.resolve(null),
    ...(things.find === undefined ? {} : { find: things.find }),
  }
}
