/** A cloud of one kind behind a gate: its calls begin when they are made, and end when the test says so. */
import * as io from 'io-ts'
import {
  applied,
  defaultTraits,
  rejected,
  type AnyProvider,
  type Call,
  type Outcome,
  type Traits,
} from '../../src/domain/provider.ts'
import type { Json } from '../../src/domain/json.ts'

const spec = new io.Type<Json, Json>(
  'any',
  (_u): _u is Json => true,
  (u) => io.success(u as Json),
  (a) => a,
)

export interface Gate {
  readonly provider: AnyProvider
  /** Calls in the order in which they began, as `verb name`. */
  readonly begun: () => readonly string[]
  /** Lets these calls through, as `verb name`, whenever they are made. */
  readonly let: (...calls: readonly string[]) => void
  readonly refuse: (...calls: readonly string[]) => void
  /** From now on nothing is held. */
  readonly open: () => void
}

export const gate = (kind: string, traits: Partial<Traits> = {}): Gate => {
  const begun: string[] = []
  const waiting = new Map<string, (outcome: Outcome) => void>()
  const told = new Map<string, Outcome>()
  let is_open = false
  const call = ({ verb, name }: Call): Promise<Outcome> => {
    const at = `${verb} ${name}`
    begun.push(at)
    const known = told.get(at) ?? (is_open ? applied(null) : undefined)
    return known === undefined
      ? new Promise((resolve) => waiting.set(at, resolve))
      : Promise.resolve(known)
  }
  const tell = (calls: readonly string[], as: Outcome): void => {
    for (const at of calls) {
      told.set(at, as)
      waiting.get(at)?.(as)
      waiting.delete(at)
    }
  }
  return {
    provider: {
      kind,
      spec,
      state: spec,
      traits: { ...defaultTraits, sightings: 0, concurrency: 1_000, ...traits },
      create: call,
      update: call,
      delete: call,
      read: () => Promise.resolve(null),
    },
    begun: () => [...begun],
    let: (...calls) => {
      tell(calls, applied(null))
    },
    refuse: (...calls) => {
      tell(calls, rejected('refused'))
    },
    open: () => {
      is_open = true
      tell([...waiting.keys()], applied(null))
    },
  }
}
