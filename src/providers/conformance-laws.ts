/** The laws that every provider must keep, each as a function of a fresh resource. */
import * as E from 'fp-ts/lib/Either.js'
import { inspect } from 'node:util'
import { diffPaths, sameState } from '../domain/diff.ts'
import { NotSent, type Call } from '../domain/provider.ts'
import { Bench, must, thrownBy } from './conformance-bench.ts'

export interface Law {
  readonly law: string
  readonly holds: (bench: Bench) => Promise<void>
  /** Whether the law speaks of such a provider at all. */
  readonly concerns?: (bench: Pick<Bench, 'provider' | 'harness'>) => boolean
}

const decoding: Law = {
  law: 'decoding refuses nonsense, and what it returned decodes to itself',
  holds: async ({ provider, harness }) => {
    for (const nonsense of [harness.bad_spec, null, 7, 'x']) {
      must(E.isLeft(provider.spec.decode(nonsense)), 'the codec refuses nonsense', nonsense)
    }
    for (const n of [0, 1]) {
      const first = provider.spec.decode(harness.spec(n))
      if (E.isLeft(first)) throw new Error(`the codec refuses spec(${n}) of the harness`)
      const stored = provider.spec.encode(first.right)
      const again = provider.spec.decode(JSON.parse(JSON.stringify(stored)))
      must(E.isRight(again), 'a stored spec decodes', stored)
      if (E.isLeft(again)) return
      must(sameState(provider.spec.encode(again.right), stored), 'and is the same again', stored)
    }
  },
}

const creating: Law = {
  law: 'what was created shows within the settle window, without drift',
  holds: async (bench) => {
    const spec = bench.harness.spec(0)
    const outcome = await bench.done(bench.call('create', spec))
    must(diffPaths(bench.encoded(spec), outcome.state).length === 0, 'the outcome has it', outcome)
    const seen = await bench.shows(spec)
    must(seen.external_id === outcome.external_id, 'read and create agree on the id', [
      seen.external_id,
      outcome.external_id,
    ])
    const { state } = bench.provider
    must(E.isRight(state.decode(seen.state)), 'the state decodes by the state codec', seen.state)
  },
}

const creatingTwice: Law = {
  law: 'creating what exists is rejected, or has no second effect',
  concerns: ({ harness }) => harness.names_are_unique !== false,
  holds: async (bench) => {
    const spec = bench.harness.spec(0)
    await bench.done(bench.call('create', spec))
    await bench.shows(spec)
    await bench.do(bench.call('create', spec))
    await bench.shows(spec)
    const listed = await bench.listed()
    must(listed === null || listed === 1, 'the list has one', listed)
  },
}

const updating: Law = {
  law: 'an update shows, or is rejected and changes nothing where the kind is immutable',
  holds: async (bench) => {
    const { spec, immutable = false } = bench.harness
    await bench.done(bench.call('create', spec(0)))
    await bench.shows(spec(0))
    const outcome = await bench.do(bench.call('update', spec(1)))
    must((outcome.type === 'rejected') === immutable, 'the outcome of the update', outcome)
    await bench.shows(spec(immutable ? 0 : 1))
  },
}

const deleting: Law = {
  law: 'what was deleted is gone, and deleting it again is harmless',
  holds: async (bench) => {
    const spec = bench.harness.spec(0)
    await bench.done(bench.call('create', spec))
    await bench.shows(spec)
    const outcome = await bench.done(bench.call('delete', spec))
    must(outcome.state === null, 'the outcome of a delete has no state', outcome)
    await bench.isGone()
    await bench.do(bench.call('delete', spec))
    await bench.isGone()
  },
}

const refusing: Law = {
  law: 'what the API refuses is rejected for good, and changes nothing',
  concerns: ({ harness }) => harness.refused !== undefined,
  holds: async (bench) => {
    const { refused } = bench.harness
    if (refused === undefined) return
    const name = refused.name ?? bench.name
    const outcome = await bench.do(bench.call('create', refused.spec, { name }))
    must(outcome.type === 'rejected', 'it is rejected', outcome)
    must(!('retry_after_ms' in outcome), 'for good', outcome)
    if (refused.name === undefined) await bench.isGone()
  },
}

const natural: Law = {
  law: 'natural: the same call again leaves the same state, once',
  concerns: ({ provider }) => provider.traits.idempotency === 'natural',
  holds: async (bench) => {
    const { spec, immutable = false } = bench.harness
    for (const [verb, n] of [
      ['create', 0],
      ...(immutable ? [] : ([['update', 1]] as const)),
    ] as const) {
      const call = bench.call(verb, spec(n))
      await bench.done(call)
      const once = await bench.shows(spec(n))
      await bench.done(call)
      const twice = await bench.shows(spec(n))
      must(sameState(once.state, twice.state), 'the same state', [once.state, twice.state])
      must(once.external_id === twice.external_id, 'the same resource', [once, twice])
    }
    const listed = await bench.listed()
    must(listed === null || listed === 1, 'the list has one', listed)
    const call = bench.call('delete', spec(1))
    await bench.done(call)
    await bench.done(call)
  },
}

const token: Law = {
  law: 'token: the same key has no second effect',
  concerns: ({ provider }) => provider.traits.idempotency === 'token',
  holds: async (bench) => {
    const spec = bench.harness.spec(0)
    const call = bench.call('create', spec)
    const first = await bench.done(call)
    const second = await bench.done(call)
    must(first.external_id === second.external_id, 'the same resource', [first, second])
    await bench.shows(spec)
    const listed = await bench.listed()
    must(listed === null || listed === 1, 'the list has one', listed)
    const effects = (await bench.harness.effects?.(call.idempotency_key)) ?? 1
    must(effects === 1, 'the ledger has one effect', effects)
  },
}

const lookup: Law = {
  law: 'lookup: the key finds exactly its effect, and a key never used finds nothing',
  concerns: ({ provider }) => provider.traits.idempotency === 'lookup',
  holds: async (bench) => {
    const { provider } = bench
    must(provider.find !== undefined, 'a provider of idempotency lookup has find')
    const find = async (call: Call) => (await provider.find?.(call)) ?? null
    const spec = bench.harness.spec(0)
    const call = bench.call('create', spec)
    must((await find(call)) === null, 'nothing is found before the call')
    const outcome = await bench.done(call)
    // A look-up after a lost answer knows neither id nor outputs.
    const seen = await bench.eventually(
      'the key finds the effect',
      (sighting) => sighting !== null,
      () => find(call),
    )
    must(seen?.external_id === outcome.external_id, 'it is the effect of the call', [seen, outcome])
    must(seen !== null && diffPaths(bench.encoded(spec), seen.state).length === 0, 'as asked', seen)
    must((await find(bench.call('create', spec))) === null, 'a key never used finds nothing')
    const effects = (await bench.harness.effects?.(call.idempotency_key)) ?? 1
    must(effects === 1, 'the ledger has one effect', effects)
  },
}

const confirming: Law = {
  law: 'confirm says shown once the effect is there, after each verb',
  concerns: ({ provider }) => provider.confirm !== undefined,
  holds: async (bench) => {
    const { provider, harness } = bench
    const verbs = [
      ['create', 0],
      ...(harness.immutable === true ? [] : ([['update', 1]] as const)),
      ['delete', 1],
    ] as const
    for (const [verb, n] of verbs) {
      const call = bench.call(verb, harness.spec(n))
      const { outputs = {}, external_id = null } = await bench.done(call)
      const asked = { ...call, external_id, outputs }
      // `eventually` counts sightings; what confirm has seen stands for one.
      await bench.eventually(
        `${verb} is confirmed`,
        (seen) => seen !== null,
        async () => ((await provider.confirm?.(asked)) === 'shown' ? { state: null } : null),
      )
    }
  },
}

const aborting: Law = {
  law: 'a call whose signal is aborted throws, and nothing happens',
  holds: async (bench) => {
    const signal = AbortSignal.abort()
    const call = bench.call('create', bench.harness.spec(0), { signal })
    await thrownBy('an aborted create', bench.provider.create(call))
    await thrownBy('an aborted read', bench.provider.read(bench.look(signal)))
    await bench.isGone()
  },
}

const dying: Law = {
  law: 'a call to an endpoint where nobody listens throws NotSent',
  holds: async (bench) => {
    const { dead, spec } = bench.harness
    const there = { external_id: 'an-id' }
    const calls = [
      () => dead.create(bench.call('create', spec(0))),
      () => dead.update(bench.call('update', spec(1), there)),
      () => dead.delete(bench.call('delete', spec(0), there)),
    ]
    for (const call of calls) {
      const error = await thrownBy('a call to nobody', call())
      must(error instanceof NotSent, 'it is NotSent', error)
    }
    await thrownBy('a read of nobody', dead.read({ ...bench.look(), ...there }))
  },
}

const listing: Law = {
  law: 'the list contains what read shows',
  concerns: ({ provider }) => provider.list !== undefined,
  holds: async (bench) => {
    const { provider, harness } = bench
    await bench.done(bench.call('create', harness.spec(0)))
    const read = await bench.shows(harness.spec(0))
    const seen = await bench.eventually(
      'the list has it',
      (sighting) => sighting !== null,
      async () => {
        for await (const listed of provider.list?.(bench.look()) ?? []) {
          if (listed.name === bench.name) return listed
        }
        return null
      },
    )
    must(sameState(seen?.state, read.state), 'with the same state', [seen, read])
    must(seen?.external_id === read.external_id, 'and the same id', [seen, read])
  },
}

const hiding: Law = {
  law: 'no error and no reason shows a secret',
  holds: async ({ provider, harness, name }) => {
    const values = new Set<string>()
    const remembering = new Bench(provider, { ...harness, name: () => name }, 0, (reference) => {
      const value = harness.secrets(reference)
      if (typeof reference !== 'string') values.add(value)
      return value
    })
    const told: unknown[] = []
    const tell = async (promise: Promise<unknown>): Promise<void> => {
      told.push(await promise.catch((error: unknown) => error))
    }
    const spec = harness.spec(0)
    await tell(harness.dead.create(remembering.call('create', spec)))
    await tell(harness.dead.read({ ...remembering.look(), external_id: 'an-id' }))
    await tell(provider.delete(remembering.call('delete', spec, { external_id: 'no-such-id' })))
    await tell(provider.create(remembering.call('create', spec, { signal: AbortSignal.abort() })))
    if (harness.refused !== undefined) {
      const { name: refused_name = name, spec: refused } = harness.refused
      await tell(provider.create(remembering.call('create', refused, { name: refused_name })))
    }
    const all = inspect(told, { depth: 12, showHidden: true, maxStringLength: null })
    for (const value of values) must(!all.includes(value), 'a message shows a secret')
  },
}

export const laws: readonly Law[] = [
  decoding,
  creating,
  creatingTwice,
  updating,
  deleting,
  refusing,
  natural,
  token,
  lookup,
  confirming,
  aborting,
  dying,
  listing,
  hiding,
]
