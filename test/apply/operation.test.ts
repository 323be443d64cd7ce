/** APIs that answer "accepted": polled without a slot, kept over deaths, and asked about a person in the end. */
import t, { type Test } from 'tap'
import { create, remove, update } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { accepted, applied, rejected, unknown, type Outcome } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditedBy } from '../support/audited.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say } from '../support/scripted-provider.ts'
import { worldProvider, type World } from '../support/watched-world.ts'

const scope = 'acme'

interface Operating {
  readonly world: World
  readonly engine: Engine
  readonly calls: string[]
  readonly polls: Json[]
}

/** A kind whose every call is accepted; `polled` says what comes of it. */
const operating = async (
  t: Test,
  polled: (world: World, polls: number) => Promise<Outcome> | Outcome,
  traits: Parameters<typeof worldProvider>[0]['traits'] = {},
): Promise<Operating> => {
  const world: World = new Map()
  const calls: string[] = []
  const polls: Json[] = []
  const begin = (call: {
    readonly verb: string
    readonly name: string
    readonly idempotency_key: string
  }) => {
    calls.push(`${call.verb} ${call.name}`)
    return Promise.resolve(
      accepted(
        `op-${calls.length}`,
        call.verb === 'create' ? { external_id: `id-${call.name}` } : {},
      ),
    )
  }
  const { engine } = await testEngine(t, {
    providers: [
      {
        ...worldProvider({ world, traits: { settle_ms: 0, call_timeout_ms: 500, ...traits } }),
        create: begin,
        update: begin,
        delete: begin,
        poll: async (call) => {
          polls.push(call.operation)
          const outcome = await polled(world, polls.length)
          if (outcome.type !== 'applied') return outcome
          if (call.verb === 'delete') world.delete(call.name)
          else world.set(call.name, call.spec as Json)
          return call.verb === 'delete' ? applied(null) : applied(call.spec as Json)
        },
      },
    ],
  })
  return { world, engine, calls, polls }
}

const want = (engine: Engine, drafts: Parameters<typeof say.decide>[1]['drafts']) =>
  engine.decide(say, { scope, input: { drafts } })

const intents = (engine: Engine) =>
  engine.sql`select verb, state, reason, attempts from foreword.intent order by id`

t.test(
  'an operation is polled until it is done, call by call, and each call is made once',
  async (t) => {
    const { world, engine, calls, polls } = await operating(t, (_, n) =>
      n % 3 === 0 ? applied(null) : accepted(`op-${Math.ceil(n / 3)}`),
    )
    await testWorker(t, engine)
    await want(engine, [create('thing', 'a', { n: 1 })])
    await want(engine, [update('thing', 'a', { n: 2 })])
    await want(engine, [remove('thing', 'a')])
    t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
    t.same(calls, ['create a', 'update a', 'delete a'])
    t.same(polls, ['op-1', 'op-1', 'op-1', 'op-2', 'op-2', 'op-2', 'op-3', 'op-3', 'op-3'])
    t.equal(world.size, 0)
    t.match(
      await engine.sql`select outcome, operation, external_id from foreword.attempt order by intent_id`,
      [
        { outcome: 'applied', operation: 'op-1', external_id: 'id-a' },
        { outcome: 'applied', operation: 'op-2' },
        { outcome: 'applied', operation: 'op-3' },
      ],
    )
    await auditedBy(t, engine)
  },
)

t.test('operations under way hold no slot, and are shown as accepted', async (t) => {
  let done = false
  const { engine, calls } = await operating(t, () => (done ? applied(null) : accepted('op')), {
    concurrency: 2,
  })
  await testWorker(t, engine)
  const names = Array.from({ length: 20 }, (_, n) => `t${n}`)
  await want(
    engine,
    names.map((name) => create('thing', name, { n: 1 })),
  )
  await eventually('all twenty have been begun', () => calls.length === 20)
  await eventually('all are accepted', async () => {
    const states = await intents(engine)
    return states.every((i) => i['state'] === 'accepted')
  })
  t.match(await engine.sql`select applying from foreword.health`, [{ applying: 20 }])
  await auditedBy(t, engine)
  done = true
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
})

t.test('an operation is known to whoever comes after a worker that has gone', async (t) => {
  let done = false
  const { engine, calls, polls } = await operating(t, () =>
    done ? applied(null) : accepted('op-1'),
  )
  const first = await engine.startWorker(() => undefined)
  await want(engine, [create('thing', 'a', { n: 1 })])
  await eventually('it was polled', () => polls.length > 0)
  await first.stop()
  await testWorker(t, engine)
  done = true
  await allSettled(engine)
  t.same(calls, ['create a'], 'it was not called again')
  t.same([...new Set(polls)], ['op-1'])
})

t.test(
  'what takes too long is in doubt, with its operation, and is never called again by itself',
  async (t) => {
    for (const idempotency of ['natural', 'token', 'lookup', 'none'] as const) {
      const { engine, calls } = await operating(t, () => accepted('op-1', { poll_after_ms: 20 }), {
        idempotency,
        token_valid_ms: 1_000_000,
        operation_timeout_ms: 300,
      })
      await testWorker(t, engine)
      await want(engine, [create('thing', 'a', { n: 1 })])
      await eventually(
        'it is in doubt',
        async () => (await intents(engine))[0]?.['state'] === 'in_doubt',
      )
      t.match(await engine.sql`select lookup, waits_for_a_person, reason from foreword.doubt`, [
        {
          lookup: { operation: 'op-1', external_id: 'id-a' },
          waits_for_a_person: true,
          reason: /accepted, and not done after/,
        },
      ])
      await auditedBy(t, engine)
      const [row] = await engine.sql<{ id: number }[]>`select intent_id as id from foreword.doubt`
      await engine.sql`select foreword.resolve(${row?.id ?? 0}, 'did_not_happen', 'me', 'asked them')`
      await eventually('it is called again once that is ruled', () => calls.length === 2)
      await engine.close()
    }
  },
)

t.test(
  'an operation that failed is a rejection; one of which nobody knows is treated as such',
  async (t) => {
    for (const [outcome, idempotency, state, called] of [
      [rejected('quota'), 'none', 'rejected', 1],
      [unknown('failed half-way'), 'none', 'in_doubt', 1],
      [unknown('failed half-way'), 'natural', 'confirmed', 2],
    ] as const) {
      const { engine, calls } = await operating(t, (_, n) => (n === 1 ? outcome : applied(null)), {
        idempotency,
      })
      await testWorker(t, engine)
      await want(engine, [create('thing', 'a', { n: 1 })])
      await eventually(
        `it is ${state}`,
        async () => (await intents(engine))[0]?.['state'] === state,
      )
      t.equal(calls.length, called)
      await auditedBy(t, engine)
      await engine.close()
    }
  },
)

t.test('a poll that fails says nothing, and is asked again', async (t) => {
  const { engine, calls, polls } = await operating(t, (_, n) => {
    if (n === 1) throw new Error('502')
    return n === 2 ? new Promise<never>(() => undefined) : applied(null)
  })
  await testWorker(t, engine)
  await want(engine, [create('thing', 'a', { n: 1 })])
  await eventually('it says why it is late', async () =>
    /502/.test(String((await intents(engine))[0]?.['reason'])),
  )
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
  t.equal(calls.length, 1)
  t.ok(polls.length >= 3)
})

t.test('an operation that cannot be kept is an outcome that nobody knows', async (t) => {
  const { engine } = await operating(t, () => applied(null))
  const provider = engine.providers.get('thing')
  const odd = ['x'.repeat(20_000), { a: 'b\0' }, { a: Number.NaN }]
  for (const operation of odd) {
    Object.assign(provider ?? {}, { create: () => Promise.resolve(accepted(operation)) })
    await want(engine, [create('thing', `odd-${odd.indexOf(operation)}`, { n: 1 })])
  }
  await testWorker(t, engine)
  await eventually('all are in doubt', async () =>
    (await intents(engine)).every((i) => /cannot be kept/.test(String(i['reason']))),
  )
  t.match(
    await intents(engine),
    odd.map(() => ({ state: 'in_doubt', attempts: 1 })),
  )
})

t.test('what is there and never becomes ready is asked about in the end', async (t) => {
  const world: World = new Map()
  const { engine } = await testEngine(t, {
    providers: [
      worldProvider({
        world,
        traits: { settle_ms: 0, operation_timeout_ms: 200 },
        read: (name) => Promise.resolve({ state: world.get(name) ?? null, condition: 'pending' }),
      }),
    ],
  })
  await testWorker(t, engine)
  await want(engine, [create('thing', 'a', { n: 1 })])
  await eventually(
    'it is in doubt',
    async () => (await intents(engine))[0]?.['state'] === 'in_doubt',
  )
  t.match(await intents(engine), [{ reason: /not ready after/, attempts: 1 }])
})
