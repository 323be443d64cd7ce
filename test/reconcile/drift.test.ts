import t, { type Test } from 'tap'
import type { Policy } from '../../src/domain/config.ts'
import { create, defineDecider, update } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Engine } from '../../src/foreword.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import { worldProvider, type Shown, type World } from '../support/watched-world.ts'

const scope = 'acme'

/** Things as they are told, made by a decider, or wanted by a stack. */
const made = async (
  t: Test,
  things: Readonly<Record<string, Json>>,
  over: {
    readonly policies?: readonly Policy[]
    readonly wanted?: boolean
    readonly show?: (world: World) => Omit<Shown, 'world'>
  } = {},
) => {
  const world: World = new Map()
  const provider = worldProvider({
    world,
    ...over.show?.(world),
    traits: { settle_ms: 0, sightings: 1, ...over.show?.(world).traits },
  })
  const { engine } = await testEngine(t, { providers: [provider], policies: over.policies ?? [] })
  await testWorker(t, engine)
  if (over.wanted === true) {
    await engine.reconcileDeps.store.want(
      Object.entries(things).map(([name, spec]) => ({
        scope,
        kind: 'thing',
        name,
        spec,
        stack: 'default',
        labels: {},
        counters: { slots: 1 },
        needs: [],
      })),
      'test',
    )
    await engine.reconcile({ scope })
  } else {
    const drafts = Object.entries(things).map(([name, state]) =>
      create('thing', name, state, { labels: { role: 'x' }, counters: { slots: 1 } }),
    )
    await engine.decide(say, { scope, input: { drafts } })
  }
  await allSettled(engine)
  return { world, engine }
}

const policy = (over: Partial<Policy>): readonly Policy[] => [{ scope: '*', kind: '*', ...over }]

const stateOf = (engine: Engine) =>
  engine.sql`
    select name, desired, assumed, in_sync from foreword.resource order by name`

const openDrift = (engine: Engine) =>
  engine.sql`select name, path, assumed, observed from foreword.drift order by name, path`

const slots = async (engine: Engine): Promise<number | undefined> => {
  const [row] = await engine.sql<{ consumed: number }[]>`
    select consumed from foreword.quota where metric = 'slots'`
  return row?.consumed
}

for (const wanted of [true, false]) {
  const whose = wanted ? 'a stack wants' : 'a decider made'

  t.test(`repair: what ${whose} is put back, changed or gone, and nothing else is`, async (t) => {
    const { world, engine } = await made(t, { a: { n: 1 }, b: { n: 1 }, c: { n: 1 } }, { wanted })
    world.set('a', { n: 2, extra: true })
    world.delete('b')
    const done = await engine.reconcile({ scope })
    t.same([...done.drifted].toSorted(), ['thing/a', 'thing/b'])
    t.same(done.intents.map((i) => `${i.verb} ${i.name}`).toSorted(), ['create b', 'update a'])
    t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
    t.same(Object.fromEntries(world), { a: { n: 1 }, b: { n: 1 }, c: { n: 1 } })
    t.same(await openDrift(engine), [])
    t.equal(await slots(engine), 3)
    t.match(await engine.reconcile({ scope }), { looked: 3, drifted: [], intents: [] })
  })

  t.test(`report: what ${whose} is left as it is, and shown path by path`, async (t) => {
    const policies = policy({ on_drift: 'report' })
    const { world, engine } = await made(
      t,
      { a: { n: 1, m: { x: 1 } }, b: { n: 1 } },
      { wanted, policies },
    )
    world.set('a', { n: 2, m: { x: 2 } })
    world.delete('b')
    for (const _ of [1, 2]) {
      t.match(await engine.reconcile({ scope }), { drifted: ['thing/a', 'thing/b'], intents: [] })
    }
    t.same(await openDrift(engine), [
      { name: 'a', path: 'm.x', assumed: 1, observed: 2 },
      { name: 'a', path: 'n', assumed: 1, observed: 2 },
      { name: 'b', path: '', assumed: { n: 1 }, observed: null },
    ])
    t.same(await engine.sql`select name, reason from foreword.resource order by name`, [
      { name: 'a', reason: 'differs at m.x, n' },
      { name: 'b', reason: 'is gone' },
    ])
    t.match(
      await engine.sql`select external_id from foreword.resource where name = 'b'`,
      [{ external_id: 'id-b' }],
      'its id is kept: it may come back',
    )
    world.set('a', { n: 1, m: { x: 2 } })
    world.set('b', { n: 1 })
    t.match(await engine.reconcile({ scope }), { drifted: ['thing/a'] })
    t.match(
      await openDrift(engine),
      [{ name: 'a', path: 'm.x' }],
      'a row goes once it is so no more',
    )
  })

  t.test(`adopt: what was seen of what ${whose} is assumed from now on, and wanted`, async (t) => {
    const policies = policy({ on_drift: 'adopt' })
    const { world, engine } = await made(
      t,
      { a: { n: 1, k: 0 }, b: { n: 1 } },
      { wanted, policies },
    )
    world.set('a', { n: 2, k: 0, extra: true })
    world.delete('b')
    t.match(await engine.reconcile({ scope }), { drifted: ['thing/a', 'thing/b'], intents: [] })
    t.match(await engine.reconcile({ scope }), { drifted: [], intents: [] })
    t.same(await stateOf(engine), [
      {
        name: 'a',
        desired: wanted ? { n: 2, k: 0 } : null,
        assumed: { n: 2, k: 0 },
        in_sync: true,
      },
      { name: 'b', desired: null, assumed: null, in_sync: true },
    ])
    t.equal(await slots(engine), 1, 'what is gone for good consumes nothing')
    t.same(await openDrift(engine), [])
    t.same(Object.fromEntries(world), { a: { n: 2, k: 0, extra: true } })
  })
}

t.test(
  'what is ignored is no drift, is not adopted, and is not put back with the rest',
  async (t) => {
    for (const on_drift of ['repair', 'adopt'] as const) {
      const policies = policy({ on_drift, ignore: ['replicas'] })
      const { world, engine } = await made(
        t,
        { a: { n: 1, replicas: 1 } },
        { policies, wanted: true },
      )
      world.set('a', { n: 1, replicas: 9 })
      t.match(await engine.reconcile({ scope }), { drifted: [], intents: [] })
      world.set('a', { n: 2, replicas: 9 })
      t.match(await engine.reconcile({ scope }), { drifted: ['thing/a'] })
      t.match(await engine.sql`select path from foreword.drift_history`, [{ path: 'n' }])
      await allSettled(engine)
      const n = on_drift === 'adopt' ? 2 : 1
      t.match(await stateOf(engine), [{ desired: { n, replicas: 1 }, assumed: { n, replicas: 1 } }])
      await engine.close()
    }
  },
)

t.test('whoever relied on what has drifted decides again', async (t) => {
  const { world, engine } = await made(t, { a: { n: 1 } })
  world.set('a', { n: 2 })
  let thoughts = 0
  const relying = defineDecider({
    name: 'relying',
    version: 1,
    read: (q) => ({ a: q.get('thing', 'a') }),
    think: async () => {
      thoughts += 1
      // What it has read is found to be otherwise while it thinks.
      if (thoughts === 1) await engine.reconcile({ scope })
      return null
    },
    decide: ({ a }) => create('thing', `for-version-${a?.version ?? 0}`, { n: 0 }),
  })
  const result = await engine.decide(relying, { scope, input: undefined })
  t.match(result, { type: 'decided', tries: 2, intents: [{ name: 'for-version-3' }] })
})

/** Does something before the decider of that name decides. */
const before = (engine: Engine, decider: string, then: () => Promise<unknown>) => {
  let done = false
  return reconcile({
    ...engine.reconcileDeps,
    decide: async (of, options) => {
      if (of.name === decider && !done) {
        done = true
        await then()
      }
      return engine.decide(of, options)
    },
  })
}

for (const decider of ['foreword/observe', 'foreword/repair']) {
  for (const on_drift of ['repair', 'adopt'] as const) {
    if (on_drift === 'adopt' && decider === 'foreword/repair') continue
    t.test(`what is decided before ${decider} decides is not overrun (${on_drift})`, async (t) => {
      const policies = policy({ on_drift })
      const { world, engine } = await made(t, { a: { n: 1 } }, { policies })
      world.set('a', { n: 2 })
      const run = before(engine, decider, async () => {
        const drafts = [update('thing', 'a', { n: 7 })]
        await engine.decide(say, { scope, input: { drafts } })
        await allSettled(engine)
      })
      t.match(await run({ scope }), { drifted: ['thing/a'], intents: [] })
      await allSettled(engine)
      t.match(await stateOf(engine), [{ assumed: { n: 7 } }])
      t.same(world.get('a'), { n: 7 })
      t.match(await engine.reconcile({ scope }), { drifted: [], intents: [] })
    })
  }
}

t.test('what is adopted while its owner changes his mind is what he wants now', async (t) => {
  const policies = policy({ on_drift: 'adopt' })
  const { world, engine } = await made(t, { a: { n: 1 } }, { policies, wanted: true })
  world.set('a', { n: 2 })
  const run = before(
    engine,
    'foreword/observe',
    () =>
      engine.sql`select foreword.want(${scope}, 'thing', 'a', '{"n": 5}', counters => '{"slots": 1}')`,
  )
  await run({ scope })
  // His is the later word, or the adoption is: never half of each.
  await allSettled(engine)
  await engine.reconcile({ scope })
  await allSettled(engine)
  t.match(await stateOf(engine), [{ in_sync: true }])
})

t.test('a run that dies once it believes leaves nothing half done', async (t) => {
  const policies = policy({ on_drift: 'adopt' })
  const { world, engine } = await made(t, { a: { n: 1 }, b: { n: 1 } }, { policies, wanted: true })
  world.set('a', { n: 2 })
  world.delete('b')
  const { store } = engine.reconcileDeps
  const dying = reconcile({
    ...engine.reconcileDeps,
    store: { ...store, endDrift: () => Promise.reject(new Error('killed')) },
  })
  await t.rejects(dying({ scope }), /killed/)
  t.match(await engine.reconcile({ scope }), { intents: [] }, 'nobody puts it back')
  t.match(await stateOf(engine), [
    { name: 'a', desired: { n: 2 }, assumed: { n: 2 }, in_sync: true },
    { name: 'b', desired: null, assumed: null },
  ])
})

t.test('references survive what is believed and adopted, but where it differs', async (t) => {
  const policies = policy({ on_drift: 'adopt' })
  const { world, engine } = await made(
    t,
    {
      lan: { n: 1 },
      a: { n: 1, net: { ref: 'thing/lan#id' }, at: { ref: 'thing/lan#id' } },
    },
    { policies, wanted: true },
  )
  t.same(world.get('a'), { n: 1, net: 'id-lan', at: 'id-lan' })
  world.set('a', { n: 2, net: 'id-lan', at: 'elsewhere' })
  t.match(await engine.reconcile({ scope }), { drifted: ['thing/a'] })
  t.match((await stateOf(engine))[0], {
    desired: { n: 2, net: { ref: 'thing/lan#id' }, at: 'elsewhere' },
    in_sync: true,
  })
})

t.test(
  'an output that has changed is drift of those who refer to it, one cycle later at most',
  async (t) => {
    let address = '10.0.0.1'
    const { world, engine } = await made(
      t,
      { z: { n: 1 }, a: { to: { ref: 'thing/z#id' } } },
      {
        wanted: true,
        show: (world) => ({
          read: (name) => {
            const state = world.get(name)
            const id = name === 'z' ? `id-${address === '10.0.0.1' ? 'z' : address}` : `id-${name}`
            return Promise.resolve(state === undefined ? null : { state, external_id: id })
          },
        }),
      },
    )
    t.same(world.get('a'), { to: 'id-z' })
    address = '10.0.0.2'
    await engine.reconcile({ scope })
    t.match(await engine.sql`select name, path, assumed, observed from foreword.drift_history`, [
      { name: 'z', path: '#id', assumed: 'id-z', observed: 'id-10.0.0.2' },
    ])
    t.match(await engine.reconcile({ scope }), { drifted: ['thing/a'], intents: [{ name: 'a' }] })
    await allSettled(engine)
    t.same(world.get('a'), { to: 'id-10.0.0.2' })
  },
)
