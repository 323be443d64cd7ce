import t from 'tap'
import { remove } from '../../src/domain/decider.ts'
import { dueRenames, rename } from '../../src/reconcile/rename.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import { apply, brokenLaws, scope, thingsIn, want } from '../support/wanting.ts'

t.test('nothing is renamed to a name that somebody has made and unmade meanwhile', async (t) => {
  const { engine } = await cloudWorld(t)
  const deps = engine.reconcileDeps
  const worker = await engine.startWorker(() => undefined)
  await apply(engine, [want('vm', 'a', { size: 's' }, { counters: { cores: 2 } })])
  await allSettled(engine)
  await worker.stop()
  const due = await dueRenames(deps, scope, [{ kind: 'vm', from: 'a', to: 'b' }], [])
  await apply(engine, [want('vm', 'b', { size: 's' }, { counters: { cores: 1 } })])
  await engine.decide(say, { scope, input: { drafts: [remove('vm', 'b')] } })
  await t.rejects(rename(deps, scope, due, { actor: 'test', reason: 'test' }), {
    message: /vm\/b has moved meanwhile/,
  })
  t.match(
    await engine.sql`
      select name, external_id is null as unknown from foreword.resource order by name`,
    [
      { name: 'a', unknown: false },
      { name: 'b', unknown: true },
    ],
    'what is still called for under that name has not been given the id of the other',
  )
  t.same(await brokenLaws(engine), [])
})

t.test('who is under way as what it refers to is renamed is carried out', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const deps = engine.reconcileDeps
  const by = { actor: 'test', reason: 'test' }
  const worker = await engine.startWorker(() => undefined)
  const vm = (size: string, network: string) =>
    want('vm', 'web', { size, network: { ref: `network/${network}#id` } })
  await apply(engine, [want('network', 'a', { cidr: '10.0.0.0/24' }), vm('s', 'a')])
  await allSettled(engine)
  await worker.stop()
  await apply(engine, [vm('m', 'a')])
  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'c'],
  ] as const) {
    await rename(
      deps,
      scope,
      await dueRenames(deps, scope, [{ kind: 'network', from, to }], []),
      by,
    )
  }
  await apply(engine, [vm('m', 'c')])
  await testWorker(t, engine)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  const { networks, vms } = await thingsIn(cloud)
  t.match(vms, [{ size: 'm', network: networks?.[0]?.id }])
  t.same(await brokenLaws(engine), [])
})
