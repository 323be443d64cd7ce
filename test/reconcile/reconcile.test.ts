import t from 'tap'
import type { Cloud } from '../../src/cloud/index.ts'
import type { DesiredRow } from '../../src/domain/reconcile-ports.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, cloudWorld, ledgerOf, testWorker } from '../support/engine.ts'

const scope = 'acme'

type Wanted = Omit<DesiredRow, 'generation' | 'resource'>

const want = (kind: string, name: string, spec: Wanted['spec'], over: Partial<Wanted> = {}) => ({
  scope,
  kind,
  name,
  stack: 'default',
  spec,
  labels: {},
  counters: {},
  needs: [],
  ...over,
})

const apply = async (engine: Engine, rows: readonly Wanted[]) => {
  await engine.reconcileDeps.store.want(rows, 'test')
  return runConverge(engine.reconcileDeps)({ scope })
}

const drift = async (cloud: Cloud, change: object): Promise<void> => {
  const answer = await fetch(`${cloud.url}/admin/drift`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: scope, ...change }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

t.test(
  'what is wanted is made, in the order of its needs, and wanting it again changes nothing',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const rows = [
      want(
        'vm',
        'web',
        { size: 's', network: { ref: 'network/lan#id' } },
        { needs: ['network/lan'] },
      ),
      want('network', 'lan', { cidr: '10.0.0.0/24' }),
    ]
    const first = await apply(engine, rows)
    t.equal(first.intents.length, 2)
    t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
    const again = await apply(engine, rows)
    t.same(again, { decisions: [], intents: [], retries: 0 })
    t.match(await ledgerOf(cloud), { effects: 2, max: 1 })
  },
)

t.test(
  'what is wanted otherwise is updated, and what is wanted no more is deleted, needers first',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const lan = want('network', 'lan', { cidr: '10.0.0.0/24' })
    const web = want(
      'vm',
      'web',
      { size: 's', network: { ref: 'network/lan#id' } },
      { needs: ['network/lan'] },
    )
    await apply(engine, [lan, web])
    await allSettled(engine)
    await apply(engine, [{ ...web, spec: { size: 'm', network: { ref: 'network/lan#id' } } }])
    await allSettled(engine)
    await engine.reconcileDeps.store.unwantOthers(scope, 'default', [], 'test')
    await runConverge(engine.reconcileDeps)({ scope })
    const ended = await allSettled(engine)
    t.same(ended.map((i) => `${i.verb} ${i.name} ${i.state}`).toSorted(), [
      'create lan confirmed',
      'create web confirmed',
      'delete lan confirmed',
      'delete web confirmed',
      'update web confirmed',
    ])
    const state = await fetch(`${cloud.url}/admin/state`).then((r) => r.text())
    t.notMatch(state, /"lan"|"web"/, 'nothing is left in the cloud')
  },
)

t.test('drift is found, believed, and put back; deciders see what was seen', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { traits: { settle_ms: 0, sightings: 2 } })
  await testWorker(t, engine)
  await apply(engine, [want('vm', 'a', { size: 's' }), want('vm', 'b', { size: 's' })])
  await allSettled(engine)
  await drift(cloud, { kind: 'vms', name: 'a', set: { size: 'l' } })
  await drift(cloud, { kind: 'vms', name: 'b', delete: true })
  const found = await engine.reconcile({ scope })
  t.same([...found.drifted].toSorted(), ['vm/a', 'vm/b'])
  t.same(found.intents.map((i) => `${i.verb} ${i.name}`).toSorted(), ['create b', 'update a'])
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
  t.same(await engine.sql`select from foreword.drift`, [], 'the look that confirms ends it')
  t.same(
    await engine.sql`
      select name, path, assumed, observed from foreword.drift_history order by name`,
    [
      { name: 'a', path: 'size', assumed: 's', observed: 'l' },
      { name: 'b', path: '', assumed: { size: 's' }, observed: null },
    ],
  )
  const quiet = await engine.reconcile({ scope })
  t.match(quiet, { looked: 2, drifted: [], intents: [] })
})

t.test('drift of what a decider made is put back too, labels and counters kept', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { traits: { settle_ms: 0 } })
  await testWorker(t, engine)
  const make = defineDecider({
    name: 'make',
    version: 1,
    read: () => ({}),
    decide: () =>
      create('vm', 'a', { size: 's' }, { labels: { role: 'web' }, counters: { cores: 1 } }),
  })
  await engine.decide(make, { scope, input: undefined })
  await allSettled(engine)
  await drift(cloud, { kind: 'vms', name: 'a', delete: true })
  const found = await engine.reconcile({ scope })
  t.same(
    found.intents.map((i) => `${i.verb} ${i.name}`),
    ['create a'],
  )
  await allSettled(engine)
  t.same(await engine.sql`select labels, assumed, in_sync from foreword.resource`, [
    { labels: { role: 'web' }, assumed: { size: 's' }, in_sync: true },
  ])
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 1 }])
})

t.test('drift is only reported where the policy says so', async (t) => {
  const { engine, cloud } = await cloudWorld(t, {
    traits: { settle_ms: 0 },
    config: { policies: [{ scope: '*', kind: 'vm', on_drift: 'report' }] },
  })
  await testWorker(t, engine)
  await apply(engine, [want('vm', 'a', { size: 's' })])
  await allSettled(engine)
  await drift(cloud, { kind: 'vms', name: 'a', set: { size: 'l' } })
  t.match(await engine.reconcile({ scope }), { drifted: ['vm/a'], intents: [] })
  t.match(await engine.sql`select path, assumed, observed from foreword.drift`, [
    { path: 'size', assumed: 's', observed: 'l' },
  ])
})

t.test(
  'drift that is adopted becomes what is wanted and assumed, and what is gone consumes nothing',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, {
      traits: { settle_ms: 0 },
      config: { policies: [{ scope: '*', kind: '*', on_drift: 'adopt' }] },
    })
    await testWorker(t, engine)
    await apply(engine, [
      want('vm', 'a', { size: 's' }, { counters: { cores: 1 } }),
      want('vm', 'b', { size: 's' }, { counters: { cores: 1 } }),
    ])
    await allSettled(engine)
    await drift(cloud, { kind: 'vms', name: 'a', set: { size: 'l' } })
    await drift(cloud, { kind: 'vms', name: 'b', delete: true })
    t.match(await engine.reconcile({ scope }), { intents: [] })
    t.match(await engine.reconcile({ scope }), { drifted: [], intents: [] })
    t.same(
      await engine.sql`select name, desired, assumed, in_sync from foreword.resource order by name`,
      [
        { name: 'a', desired: { size: 'l' }, assumed: { size: 'l' }, in_sync: true },
        { name: 'b', desired: null, assumed: null, in_sync: true },
      ],
    )
    t.same(await engine.sql`select consumed from foreword.quota`, [{ consumed: 1 }])
  },
)

t.test(
  'a scope in which others are faster each time keeps no other from being decided',
  async (t) => {
    const { engine } = await cloudWorld(t)
    const deps = engine.reconcileDeps
    const rows = [want('vm', 'a', { size: 's' }), want('vm', 'a', { size: 's' }, { scope: 'busy' })]
    await deps.store.want(rows, 'test')
    const run = reconcile({
      ...deps,
      scopes: () => Promise.resolve(['busy', scope]),
      decide: (decider, options) =>
        options.scope === 'busy'
          ? Promise.resolve({ type: 'gave_up', tries: 10, last_sqlstate: '40001' })
          : deps.decide(decider, options),
    })
    t.match(await run({}), { gave_up: ['busy'], intents: [{ name: 'a' }] })
    t.match(await engine.reconcile({}), { gave_up: [], intents: [{ name: 'a' }] })
  },
)

t.test('an owner who changes his mind while it is converged is not overrun', async (t) => {
  const { engine } = await cloudWorld(t)
  await engine.reconcileDeps.store.want([want('vm', 'a', { size: 's' })], 'test')
  const deps = engine.reconcileDeps
  let changed = false
  const converged = await runConverge({
    ...deps,
    decide: async (decider, options) => {
      if (!changed) {
        changed = true
        await engine.sql`select foreword.want(${scope}, 'vm', 'a', '{"size":"l"}')`
      }
      return deps.decide(decider, options)
    },
  })({ scope })
  t.equal(converged.intents.length, 1)
  t.same(await engine.sql`select assumed from foreword.resource`, [{ assumed: { size: 'l' } }])
})
