/**
 * Looks at an API that fails now and then: a read that failed says nothing, so it neither hides drift nor makes
 * any, and what was in the way once does not keep a reconcile from looking for ever.
 */
import t, { type Test } from 'tap'
import { create } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Sighting } from '../../src/domain/provider.ts'
import { resourceKey } from '../../src/domain/reference.ts'
import type { Cloud } from '../../src/cloud/index.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
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

/** Ten things, all changed: some are shown as they are told, the others as they may be. */
const changed = async (t: Test, shown: Readonly<Record<string, unknown>> = {}) => {
  const { engine } = await observing(t, 10, (_world, name) => {
    const seen = Object.hasOwn(shown, name) ? shown[name] : { state: { n: 2 } }
    const id = { external_id: `id-${name}` }
    // A provider without types may answer with anything.
    return Promise.resolve((typeof seen === 'object' ? { ...id, ...seen } : seen) as Sighting)
  })
  const putBack = async (): Promise<readonly string[]> => {
    const rows = await engine.sql<{ name: string }[]>`
      select name from foreword.intent where verb = 'update' order by name`
    return rows.map(({ name }) => name)
  }
  return { engine, putBack }
}

const but = (...not: readonly number[]): readonly string[] =>
  Array.from({ length: 10 }, (_, n) => thing(n)).filter((_, n) => !not.includes(n))

t.test('what cannot be believed is told, and all others are put back', async (t) => {
  const { engine, putBack } = await changed(t)
  const refused = [thing(3), thing(7)]
  const run = reconcile({
    ...engine.reconcileDeps,
    decide: async (decider, options) => {
      const asked = JSON.stringify(options.input)
      const name = refused.find((one) => asked.includes(one))
      return decider.name === 'foreword/observe' && name !== undefined
        ? { type: 'invalid', sqlstate: '22001', reason: 'it is too long', remedy: 'Mend it.' }
        : engine.decide(decider, options)
    },
  })
  const done = await run({ scope })
  t.match(done, { looked: 10, failed: 0 })
  const told = { scope, reason: 'it has drifted, and it is too long', remedy: 'Mend it.' }
  t.match(
    done.left.toSorted((a, b) => String(a.resource).localeCompare(String(b.resource))),
    refused.map((name) => ({ ...told, resource: `thing/${name}` })),
  )
  t.same(await putBack(), but(3, 7))
})

t.test('looks that cannot be recorded fail, and say nothing of the others', async (t) => {
  const odd = [{ state: { n: 2 }, condition: 'BUILD' }, { state: null }, {}, 'web']
  const shown: Record<string, unknown> = Object.fromEntries(
    odd.map((seen, n) => [thing(2 * n), seen]),
  )
  const { engine, putBack } = await changed(t, shown)
  // A path that no index of Postgres takes.
  let deep: Json = 1
  for (let n = 1; n < 99; n++) deep = { [`${(n / 7) ** 0.5}${(n / 3) ** 0.5}`.repeat(2)]: deep }
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`
      update foreword_private.resource_state
      set assumed = jsonb_build_object('n', 1, 'deep', ${tx.json(deep)}::jsonb)
      where resource = foreword_code.resource_id(${scope}, 'thing', ${thing(8)})`
  })
  const empty = structuredClone(deep)
  let at = empty as Record<string, Json>
  for (let n = 2; n < 99; n++) at = Object.values(at)[0] as Record<string, Json>
  for (const key of Object.keys(at)) at[key] = 2
  shown[thing(8)] = { state: { n: 1, deep: empty } }
  const done = await engine.reconcile({ scope })
  t.match(done, { looked: 5, skipped: 0, failed: 5, left: [] })
  t.same(await putBack(), but(0, 2, 4, 6, 8))
  t.match(await engine.sql`select from foreword.resource where assumed is null`, [], 'none is gone')
})
