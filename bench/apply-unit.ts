/** The work unit of the benches that apply: one decision, one POST. */
import * as t from 'io-ts'
import { create, defineDecider, update } from '../src/domain/decider.ts'
import type { AnyProvider, Traits } from '../src/domain/provider.ts'
import { httpProvider } from '../src/providers/http.ts'

export const scope = 'bench'

/** POSTs to the stub; its answer is the proof, and a token makes a repeat safe. `held`: it never answers. */
export const stubProvider = (
  url: string,
  traits: Partial<Traits> = {},
  held = false,
): AnyProvider =>
  httpProvider({
    kind: 'vm',
    base_url: url,
    spec: t.type({ size: t.string }),
    traits: {
      idempotency: 'token',
      token_valid_ms: 3_600_000,
      sightings: 0,
      concurrency: 64,
      ...traits,
    },
    idempotency: { header: 'idempotency-key' },
    ...(held ? { headers: { held: '1' } } : {}),
    create: { method: 'POST', path: '/vm' },
    update: { method: 'POST', path: '/vm' },
    read: { path: '/vm' },
    delete: { method: 'DELETE', path: '/vm' },
    find: { path: '/vm', query: { key: '{idempotency_key}' }, key: 'key' },
  })

let made = 0

/** Names that nobody has used yet, in this process or another. */
export const newName = (): string => `${process.pid}-${++made}`

/** Reads one resource, finds it absent, intends it: every row of a decision, a create's included. */
export const createOne = defineDecider({
  name: 'create-one',
  version: 1,
  read: (q, name: string) => ({ there: q.get('vm', name) }),
  decide: ({ there }, name) => (there === null ? create('vm', name, { size: 's' }) : []),
})

export const resources = 10_000

/** One of the seeded ones, `r0` to `r9999`. */
export const someName = (): string => `r${Math.floor(Math.random() * resources)}`

/** Reads one resource and intends to change it: what most decisions do. */
export const updateOne = defineDecider({
  name: 'update-one',
  version: 1,
  read: (q, name: string) => ({ there: q.get('vm', name) }),
  decide: ({ there }, name) => (there === null ? [] : update('vm', name, { size: 'm' })),
})
