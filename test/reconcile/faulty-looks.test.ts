/**
 * Looks at an API that fails now and then: a read that failed says nothing, so it neither hides drift nor makes
 * any, and what was in the way once does not keep a reconcile from looking for ever.
 */
import t, { type Test } from 'tap'
import { create } from '../../src/domain/decider.ts'
import { resourceKey } from '../../src/domain/reference.ts'
import type { Cloud } from '../../src/cloud/index.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say } from '../support/scripted-provider.ts'
import {
  seedThings,
  sightingOf,
  thing,
  worldOf,
  worldProvider,
  type World,
} from '../support/watched-world.ts'

const scope = 'acme'

const admin = async (cloud: Cloud, method: string, path: string, body: object): Promise<void> => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${cloud.url}/admin/${path}`, {
    method,
    headers,
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

t.test(
  'more than a third of all requests fail, and all drift is found, and nothing else',
  async (t) => {
    const traits = { settle_ms: 150, sightings: 3, call_timeout_ms: 1_000, concurrency: 16 }
    const { engine, cloud } = await cloudWorld(t, { faults: 'calm', traits })
    await testWorker(t, engine)
    const names = Array.from({ length: 60 }, (_, n) => `r${n}.example.org.`)
    const spec = { type: 'A', ttl: 60, records: ['10.0.0.1'] }
    const drafts = names.map((name) => create('dns_record', name, spec))
    await engine.decide(say, { scope, input: { drafts } })
    await allSettled(engine)
    const drifted = names.filter((_, n) => n % 6 === 0)
    for (const [n, name] of drifted.entries()) {
      const change = n % 2 === 0 ? { set: { ttl: 5 } } : { delete: true }
      await admin(cloud, 'POST', 'drift', { account: scope, kind: 'dns_records', name, ...change })
    }
    const shows_at = performance.now() + 2 * traits.settle_ms
    await eventually('it can be seen', () => performance.now() > shows_at)
    // As hostile as it gets, but for the times.
    const faults = { profile: 'hostile', lag_ms: 100, delay_ms: [0, 10], retry_after_s: 0 }
    await admin(cloud, 'PUT', 'faults', faults)
    const found = await engine.reconcile({ scope })
    t.same(
      found.drifted.toSorted(),
      drifted.map((name) => resourceKey({ kind: 'dns_record', name })).toSorted(),
    )
    t.match(found, { looked: 60, skipped: 0, failed: 0 })
  },
)

const observing = async (
  t: Test,
  count: number,
  read: (world: World, name: string) => Promise<ReturnType<typeof sightingOf>>,
) => {
  const world = worldOf(count)
  const provider = worldProvider({ world, read: (name) => read(world, name) })
  const { engine } = await testEngine(t, { providers: [provider] })
  await seedThings(engine.sql, count)
  return { world, engine, provider }
}

t.test('a read that fails is tried again, and so often at most', async (t) => {
  const reads = new Map<string, number>()
  const { engine } = await observing(t, 3, (world, name) => {
    const nth = (reads.get(name) ?? 0) + 1
    reads.set(name, nth)
    const fails = name === thing(1) ? nth <= 2 : name === thing(2)
    return fails ? Promise.reject(new Error('500')) : Promise.resolve(sightingOf(world, name))
  })
  t.match(await engine.reconcile({ scope }), { looked: 2, failed: 1, drifted: [] })
  t.equal(reads.get(thing(0)), 1)
  t.equal(reads.get(thing(1)), 3)
  t.equal(reads.get(thing(2)), 12, 'six times, and six times more in the end')
})

t.test('a circuit that is open, and nothing due to be called: a look closes it', async (t) => {
  const { engine, world, provider } = await observing(t, 40, (world, name) =>
    Promise.resolve(sightingOf(world, name)),
  )
  world.set(thing(3), { n: 2 })
  for (let n = 0; n < 8; n++) {
    engine.budgets.tell(provider, { scope, whose: `${n}`, said: 'failed', why: 'down' })
  }
  await engine.budgets.flush()
  const health = async () => {
    const [row] = await engine.sql<{ health: string }[]>`select health from foreword.budget`
    return row?.health
  }
  t.equal(await health(), 'open')
  t.match(await engine.reconcile({ scope }), { looked: 40, failed: 0, drifted: [/./] })
  await eventually('it is closed', async () => (await health()) === 'well')
})
