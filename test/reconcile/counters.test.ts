/** What is counted follows what is wanted, and what is there: no share is forgotten, and none kept for ever. */
import t from 'tap'
import { allSettled, cloudWorld, testWorker, type CloudWorld } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { apply, brokenLaws, scope, thingsIn, want } from '../support/wanting.ts'

const vm = (size: string, cores: number) =>
  want('vm', 'a', { size }, { counters: { cores }, lifecycle: { adopt: true } })

const coresOf = async ({ engine }: CloudWorld): Promise<number | undefined> => {
  const [row] = await engine.sql<{ consumed: number }[]>`
    select consumed::integer from foreword.quota where scope = ${scope} and metric = 'cores'`
  return row?.consumed
}

const byHand = (world: CloudWorld, method: string, path: string, body?: unknown) =>
  fetch(`${world.cloud.url}/v1/${path}`, {
    method,
    headers: { 'x-account': scope, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

t.test(
  'what is wanted to count differently is counted so, though nothing else changes',
  async (t) => {
    const world = await cloudWorld(t)
    const { engine } = world
    await testWorker(t, engine)
    await apply(engine, [vm('s', 2)])
    const changed = await apply(engine, [vm('s', 8)])
    t.match(changed.intents, [{ verb: 'update', name: 'a' }])
    t.equal(await coresOf(world), 8)
    t.same((await apply(engine, [vm('s', 8)])).intents, [], 'and then no more is to be done')
    await allSettled(engine)
    t.same(await brokenLaws(engine), [])
  },
)

t.test('what is taken over counts what its owner says', async (t) => {
  const world = await cloudWorld(t)
  const { engine } = world
  await testWorker(t, engine)
  t.equal((await byHand(world, 'POST', 'vms', { name: 'a', size: 's' })).status, 201)
  await eventually('it is there', async () => (await thingsIn(world.cloud))['vms']?.length === 1)
  await apply(engine, [vm('s', 2)])
  t.equal(await coresOf(world), 2)
  await allSettled(engine)
  t.same(await brokenLaws(engine), [])
})

t.test('what is gone, and wanted no more since, counts nothing', async (t) => {
  const world = await cloudWorld(t)
  const { engine, cloud } = world
  await testWorker(t, engine)
  await apply(engine, [vm('s', 2)])
  await allSettled(engine)
  const id = (await thingsIn(cloud))['vms']?.[0]?.id ?? ''
  t.equal((await byHand(world, 'DELETE', `vms/${id}`)).status, 204)
  // Seen while nothing is put back.
  await engine.sql`select foreword.pause(${scope})`
  await eventually('it is seen to be gone', async () => {
    await engine.reconcile({ scope })
    const [row] = await engine.sql<{ gone: boolean }[]>`
      select assumed is null as gone from foreword.resource where name = 'a'`
    return row?.gone === true
  })
  t.equal(await coresOf(world), 2, 'it was to come again')
  await engine.reconcileDeps.store.unwantOthers(scope, 'default', [], 'test')
  await engine.sql`select foreword.resume(${scope})`
  t.same((await engine.reconcile({ scope })).intents, [])
  t.equal(await coresOf(world), 0)
  t.same(await brokenLaws(engine), [])
})
