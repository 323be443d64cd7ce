/** What cannot be created, since somebody has made another one of its name: called for once, held, and told. */
import t, { type Test } from 'tap'
import type { Reconciled } from '../../src/reconcile/reconcile.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { apply, brokenLaws, scope, thingsIn, want, type Wanted } from '../support/wanting.ts'

const name = 'a.example.'
const record = (address: string, over: Partial<Wanted> = {}): Wanted =>
  want('dns_record', name, { type: 'A', records: [address], ttl: 60 }, over)

/** Made by us, deleted there, and made again there by somebody. */
const madeAgain = async (t: Test) => {
  const world = await cloudWorld(t)
  const { engine, cloud } = world
  await testWorker(t, engine)
  const send = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${cloud.url}/v1/${path}`, {
      method,
      headers: { 'X-Account': scope, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    t.ok(answer.ok, `${method} ${path}`)
  }
  const there = async () => (await thingsIn(cloud))['dns_records'] ?? []
  await apply(engine, [record('192.0.2.1')])
  await allSettled(engine)
  await send('DELETE', `dns_records/${(await there())[0]?.id ?? ''}`)
  await send('POST', 'dns_records', { name, type: 'A', records: ['192.0.2.9'], ttl: 60 })
  // The settle window of our own write: looks count after it.
  await eventually('its loss is found', async () => {
    const { drifted } = await engine.reconcile({ scope })
    return drifted.includes(`dns_record/${name}`)
  })
  await allSettled(engine)
  const again = async (): Promise<Reconciled> => {
    const done = await engine.reconcile({ scope })
    await allSettled(engine)
    return done
  }
  const calls = async (): Promise<number> => (await engine.sql`select from foreword.attempt`).length
  const drift = () => engine.sql`select path, observed from foreword.drift`
  return { ...world, again, calls, there, drift, send }
}

const held = (id: string | undefined) => ({
  intents: [],
  left: [
    {
      resource: `dns_record/${name}`,
      reason: `dns_record/${name} cannot be created: another one of that name is there, ${id ?? ''}`,
      remedy: `take it over with foreword import dns_record ${name} or lifecycle.adopt: true, or remove it there`,
    },
  ],
})

t.test('it is called for once, then held by each run until it is gone there', async (t) => {
  const { engine, again, calls, there, drift, send } = await madeAgain(t)
  const [twin] = await there()
  for (const _ of [1, 2, 3]) t.match(await again(), held(twin?.id))
  t.equal(await calls(), 2, 'the first creation, and the one that was refused')
  t.same(await drift(), [{ path: '#id', observed: twin?.id }])
  const remedy = /another one .* foreword import dns_record a\.example\., or lifecycle\.adopt/
  t.match(await engine.sql`select condition, reason from foreword.resource`, [
    { condition: 'drifted', reason: remedy },
  ])
  await send('DELETE', `dns_records/${twin?.id ?? ''}`)
  t.match(await again(), { left: [], intents: [{ verb: 'create' }] })
  t.match(await there(), [{ records: ['192.0.2.1'] }])
  t.same(await drift(), [])
  t.match(await again(), { left: [], intents: [] })
  t.same(await brokenLaws(engine), [])
})

t.test('what hangs on it waits, and nothing else', async (t) => {
  const { engine, again, there } = await madeAgain(t)
  const lan = (lan_name: string, needs: readonly string[]): Wanted =>
    want('network', lan_name, { cidr: '10.0.0.0/24' }, { needs })
  await engine.reconcileDeps.store.want([lan('with', [`dns_record/${name}`]), lan('free', [])], 't')
  t.match(await again(), {
    intents: [{ verb: 'create', name: 'free' }],
    left: [...held((await there())[0]?.id).left, { resource: 'network/with' }],
  })
})

t.test('an owner who adopts has it taken over, and put right', async (t) => {
  const { engine, again, there, drift } = await madeAgain(t)
  const [twin] = await there()
  t.match(await again(), held(twin?.id))
  await engine.reconcileDeps.store.want([record('192.0.2.1', { lifecycle: { adopt: true } })], 't')
  t.match(await again(), { left: [], intents: [{ verb: 'update' }] })
  t.match(await there(), [{ id: twin?.id, records: ['192.0.2.1'] }])
  t.same(await drift(), [])
  t.match(await engine.sql`select external_id from foreword.resource`, [{ external_id: twin?.id }])
})

t.test('an owner who wants it otherwise has it tried once more', async (t) => {
  const { engine, again, calls, there } = await madeAgain(t)
  const id = (await there())[0]?.id
  t.match(await again(), held(id))
  await engine.reconcileDeps.store.want([record('192.0.2.2')], 't')
  t.match(await again(), { left: [], intents: [{ verb: 'create' }] })
  for (const _ of [1, 2]) t.match(await again(), held(id))
  t.equal(await calls(), 3)
})

t.test('wanted no more, it is no drift', async (t) => {
  const { engine, again, drift } = await madeAgain(t)
  await again()
  t.match(await drift(), [{ path: '#id' }])
  await engine.sql`select foreword.unwant(${scope}, 'dns_record', ${name})`
  t.match(await again(), { left: [], intents: [] })
  t.same(await drift(), [])
})

t.test('another one of a free name holds nothing up', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const made = await fetch(`${cloud.url}/v1/networks`, {
    method: 'POST',
    headers: { 'X-Account': scope, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'lan', cidr: '10.0.0.0/24' }),
  })
  t.ok(made.ok)
  await engine.reconcileDeps.store.want([want('network', 'lan', { cidr: 'none' })], 't')
  for (const _ of [1, 2]) {
    t.match(await engine.reconcile({ scope }), { left: [], intents: [{ verb: 'create' }] })
    await allSettled(engine)
  }
})
