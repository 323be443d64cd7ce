import t, { type Test } from 'tap'
import { create, remove, update } from '../../src/domain/decider.ts'
import type { ReconcileStore } from '../../src/domain/reconcile-ports.ts'
import type { Engine } from '../../src/foreword.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import {
  listWorld,
  seedThings,
  sightingOf,
  thing,
  worldOf,
  worldProvider,
  type Shown,
  type World,
} from '../support/watched-world.ts'

const scope = 'acme'

const observing = async (
  t: Test,
  count: number,
  show: (world: World) => Omit<Shown, 'world'> = () => ({}),
) => {
  const world = worldOf(count)
  const { engine } = await testEngine(t, { providers: [worldProvider({ world, ...show(world) })] })
  await seedThings(engine.sql, count)
  return { world, engine }
}

/** A reconcile whose store is changed. */
const runWith = (engine: Engine, change: (store: ReconcileStore) => Partial<ReconcileStore>) => {
  const { store } = engine.reconcileDeps
  return reconcile({ ...engine.reconcileDeps, store: { ...store, ...change(store) } })
}

const lookedAt = async (engine: Engine): Promise<number> => {
  const [row] = await engine.sql<{ n: number }[]>`
    select count(*) as n from foreword.resource where observed_at is not null`
  return row?.n ?? 0
}

const drifts = (engine: Engine) =>
  engine.sql`select name, path, assumed, observed from foreword.drift_history order by name, path`

t.test(
  '10,000 resources are looked at in batches, by a list and one by one, and what drifted is found',
  async (t) => {
    const count = 10_000
    for (const listed of [true, false]) {
      const { world, engine } = await observing(t, count, (world) =>
        listed ? { list: () => listWorld(world) } : {},
      )
      for (let n = 0; n < 50; n++) world.set(thing(n * 200), { n: 2 })
      for (let n = 1; n < 50; n++) world.delete(thing(n * 200 + 7))
      const sizes: number[] = []
      const run = runWith(engine, (store) => ({
        noteLooks: (looks) => {
          sizes.push(looks.length)
          return store.noteLooks(looks)
        },
      }))
      const before = process.memoryUsage().heapUsed
      const began = performance.now()
      const done = await run({ scope })
      const took_s = (performance.now() - began) / 1_000
      const grown_mb = (process.memoryUsage().heapUsed - before) / 1e6
      t.match(done, { looked: count, skipped: 0, failed: 0 })
      t.equal(done.drifted.length, 99)
      t.equal(done.intents.length, 99)
      t.ok(Math.max(...sizes) <= 220, 'no batch is larger than what may be lost')
      t.equal(await lookedAt(engine), count)
      t.comment(
        `${count} looks ${listed ? 'by a list' : 'one by one'}, 99 drifted: ` +
          `${took_s.toFixed(1)} s, ${sizes.length} batches, heap ${grown_mb.toFixed(0)} MB larger`,
      )
      await engine.close()
    }
  },
)

t.test('a run that dies loses its last batch, and nothing of those before', async (t) => {
  const { world, engine } = await observing(t, 1_000)
  world.set(thing(3), { n: 2 })
  let batches = 0
  const run = runWith(engine, (store) => ({
    noteLooks: (looks) => {
      batches += 1
      if (batches === 4) throw new Error('killed')
      return store.noteLooks(looks)
    },
  }))
  await t.rejects(run({ scope }), /killed/)
  t.ok((await lookedAt(engine)) >= 600)
  t.same(await drifts(engine), [{ name: thing(3), path: 'n', assumed: 1, observed: 2 }])
  t.match(
    (await engine.reconcile({ scope })).intents,
    [{ verb: 'update', name: thing(3) }],
    'what the dead run believed is put back by the next',
  )
})

t.test('a list that fails half-way keeps what it saw, and says nothing of the rest', async (t) => {
  let lists = 0
  const reads: string[] = []
  const { engine } = await observing(t, 300, (world) => ({
    list: async function* () {
      lists += 1
      let n = 0
      for await (const item of listWorld(world)) {
        if (n++ === 250) throw new Error('500')
        yield item
      }
    },
    read: (name) => {
      reads.push(name)
      return Promise.resolve(sightingOf(world, name))
    },
  }))
  const done = await engine.reconcile({ scope })
  t.match(done, { looked: 300, failed: 0, drifted: [] })
  t.equal(lists, 3, 'it was tried again')
  t.equal(reads.length, 50, 'only those were read that no list had shown')
})

t.test('a list goes on at the page that failed', async (t) => {
  const asked: (string | undefined)[] = []
  let failed = false
  const { engine } = await observing(t, 300, (world) => ({
    list: async function* ({ from, turn }) {
      asked.push(from)
      const names = [...world.keys()]
      for (let page = Number(from ?? 0); page < 3; page++) {
        if (page > Number(from ?? 0)) await turn?.()
        if (page === 2 && !failed) {
          failed = true
          throw new Error('502')
        }
        for (const name of names.slice(page * 100, page * 100 + 100)) {
          const state = world.get(name) ?? null
          yield { name, state, external_id: `id-${name}`, page: String(page) }
        }
      }
    },
    read: () => Promise.reject(new Error('nothing has to be read')),
  }))
  t.match(await engine.reconcile({ scope }), { looked: 300, failed: 0, drifted: [] })
  t.same(asked, [undefined, '1'])
})

t.test(
  'a list that falls silent is given up, whether it listens to its signal or not',
  async (t) => {
    const { engine } = await observing(t, 10, () => ({
      traits: { call_timeout_ms: 50 },
      list: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
      }),
    }))
    t.match(await engine.reconcile({ scope }), { looked: 10, failed: 0, drifted: [] })
  },
)

t.test(
  'what a list leaves out is read before it is gone, as often as the provider needs',
  async (t) => {
    const reads = new Map<string, number>()
    const { world, engine } = await observing(t, 20, (world) => ({
      traits: { sightings: 3 },
      list: () => listWorld(new Map([...world].slice(0, 5))),
      read: (name) => {
        reads.set(name, (reads.get(name) ?? 0) + 1)
        return Promise.resolve(sightingOf(world, name))
      },
    }))
    world.delete(thing(19))
    const done = await engine.reconcile({ scope })
    t.same(done.drifted, [`thing/${thing(19)}`])
    t.equal(reads.get(thing(19)), 3)
    t.equal(reads.get(thing(18)), 1)
    t.equal(reads.has(thing(0)), false)
  },
)

t.test(
  'reads that go back and forth are believed only when so many in a row agree, and not for ever',
  async (t) => {
    let n = 0
    const { engine } = await observing(t, 3, (world) => ({
      traits: { sightings: 2, settle_ms: 8 },
      read: (name) => {
        n += 1
        if (name === thing(0)) return Promise.resolve(n % 2 === 0 ? sightingOf(world, name) : null)
        if (name === thing(1)) return Promise.resolve({ state: { n: n + 10 } })
        return Promise.resolve(sightingOf(world, name))
      },
    }))
    const done = await engine.reconcile({ scope })
    t.match(done, { looked: 2, failed: 1, drifted: [] }, 'the one that never agrees has failed')
  },
)

t.test('of two of one name, a list shows the one whose id is known', async (t) => {
  const { engine } = await observing(t, 10, (world) => ({
    list: async function* () {
      for await (const item of listWorld(world)) {
        yield { ...item, state: { n: 99 }, external_id: `other-${item.name}` }
        yield item
        yield { ...item, state: { n: 99 }, external_id: `another-${item.name}` }
      }
    },
  }))
  t.match(await engine.reconcile({ scope }), { looked: 10, drifted: [] })
  t.same(await drifts(engine), [])
})

/** Runs a look, and something else while it is on its way. */
const meanwhile = async (
  t: Test,
  listed: boolean,
  then: (engine: Engine, world: World) => Promise<void>,
) => {
  const held: { engine?: Engine } = {}
  let done = false
  const once = async (world: World): Promise<void> => {
    if (done || held.engine === undefined) return
    done = true
    await then(held.engine, world)
  }
  const made = await observing(t, 8, (world) => ({
    traits: { settle_ms: 1 },
    // What was seen before the other came, told after he was through.
    read: async (name) => {
      const seen = sightingOf(world, name)
      if (!listed && name === thing(0)) await once(world)
      return seen
    },
    ...(listed && {
      list: async function* () {
        const seen = new Map(world)
        await once(world)
        yield* listWorld(seen)
      },
    }),
  }))
  const { engine } = made
  held.engine = engine
  await testWorker(t, engine)
  return { ...made, found: await engine.reconcile({ scope }) }
}

for (const listed of [true, false]) {
  const by = listed ? 'a list' : 'a read'
  t.test(`${by} that began before a write and ends after it says nothing`, async (t) => {
    const { engine, found } = await meanwhile(t, listed, async (engine) => {
      await engine.decide(say, { scope, input: { drafts: [update('thing', thing(0), { n: 5 })] } })
      await allSettled(engine)
    })
    t.same(found.drifted, [])
    t.same(await drifts(engine), [])
    t.match(
      await engine.sql`select observed, external_id from foreword.resource where name = ${thing(0)}`,
      [{ observed: { n: 5 }, external_id: `id-${thing(0)}` }],
    )
  })

  t.test(`${by} that misses what is made anew meanwhile does not take its id`, async (t) => {
    const { engine, world, found } = await meanwhile(t, listed, async (engine, world) => {
      await engine.decide(say, { scope, input: { drafts: [remove('thing', thing(0))] } })
      await allSettled(engine)
      await engine.decide(say, { scope, input: { drafts: [create('thing', thing(0), { n: 1 })] } })
      await allSettled(engine)
      world.set(thing(0), { n: 1 })
    })
    t.same(found.drifted, [])
    t.ok(world.has(thing(0)))
    t.match(await engine.sql`select external_id from foreword.resource where name = ${thing(0)}`, [
      { external_id: `id-${thing(0)}` },
    ])
  })
}

t.test('a decision that is under way when a look ends voids it', async (t) => {
  const held: { engine?: Engine } = {}
  const made = await observing(t, 1, (world) => ({
    read: async (name) => {
      world.set(name, { n: 3 })
      await held.engine?.decide(say, {
        scope,
        input: { drafts: [update('thing', name, { n: 3 })] },
      })
      return sightingOf(world, name)
    },
  }))
  const { engine } = made
  held.engine = engine
  t.match(await engine.reconcile({ scope }), { looked: 0, skipped: 1, drifted: [] })
  t.same(await drifts(engine), [])
})

t.test(
  'looks take from the budget of their account, and so does each page of a list',
  async (t) => {
    const { engine } = await observing(t, 8, (world) => ({
      traits: { rate: { per_second: 1_000, burst: 100 } },
      list: async function* ({ turn }) {
        await turn?.()
        await turn?.()
        yield* listWorld(new Map([...world].slice(0, 5)))
      },
    }))
    let admitted = 0
    const run = reconcile({
      ...engine.reconcileDeps,
      admit: (provider, where) => {
        admitted += 1
        return engine.budgets.admit(provider, where)
      },
    })
    t.match(await run({ scope }), { looked: 8 })
    t.equal(admitted, 3 + 3, 'three pages, and three that no page shows')
  },
)

t.test('an account that has nothing to give fails its looks, and they say nothing', async (t) => {
  const { engine } = await observing(t, 3)
  const run = reconcile({
    ...engine.reconcileDeps,
    admit: () => Promise.reject(new Error('its circuit is open')),
  })
  t.match(await run({ scope }), { looked: 0, failed: 3, drifted: [] })
})
