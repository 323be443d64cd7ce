import t from 'tap'
import { defineDecider, remove } from '../../src/domain/decider.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import {
  apply,
  brokenLaws,
  scope,
  thingsIn,
  toldEffects,
  want,
  type Wanted,
} from '../support/wanting.ts'

const lan = (cidr: string, over: Partial<Wanted> = {}): Wanted =>
  want('network', 'lan', { cidr }, over)

const web = (over: Partial<Wanted> = {}): Wanted =>
  want('vm', 'web', { size: 's', network: { ref: 'network/lan#id' } }, over)

const record = (type: string, records: readonly string[], over: Partial<Wanted> = {}): Wanted =>
  want('dns_record', 'www.example.org.', { type, records, ttl: 60 }, over)

t.test(
  'a change that no update can make is a deletion and a creation, in one decision',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const labels = { role: 'web' }
    await apply(engine, [record('A', ['192.0.2.1'], { labels, counters: { names: 1 } })])
    await allSettled(engine)
    const made = await apply(engine, [
      record('AAAA', ['2001:db8::1'], { labels, counters: { names: 1 } }),
    ])
    t.match(made, { decisions: { length: 1 } })
    t.same(made.intents.map(({ verb, version }) => `${verb} v${version}`).toSorted(), [
      'create v3',
      'delete v2',
    ])
    t.same(
      await engine.sql`select assumed -> 'type' as type, labels from foreword.resource`,
      [{ type: 'AAAA', labels }],
      'nobody reads it as gone',
    )
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.same(await toldEffects(cloud), [
      'create www.example.org.',
      'delete www.example.org.',
      'create www.example.org.',
    ])
    t.same(await engine.sql`select consumed from foreword.quota`, [{ consumed: 1 }])
    t.same((await apply(engine, [])).intents, [])
    t.same(await brokenLaws(engine), [])
  },
)

t.test(
  'where somebody who stays refers to it, the new one is made first, and the old one goes last',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    await apply(engine, [lan('10.0.0.0/24', { counters: { nets: 1 } }), web()])
    await allSettled(engine)
    const [old] = (await thingsIn(cloud))['networks'] ?? []
    await apply(engine, [lan('10.1.0.0/24', { counters: { nets: 1 } })])
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.same(await toldEffects(cloud), [
      'create lan',
      'create web',
      'create lan',
      'update web',
      'delete lan',
    ])
    const { networks, vms } = await thingsIn(cloud)
    t.match(networks, [{ name: 'lan', cidr: '10.1.0.0/24' }])
    t.equal(networks?.length, 1)
    t.not(networks?.[0]?.id, old?.id)
    t.match(vms, [{ network: networks?.[0]?.id }])
    t.match(
      await engine.sql`
      select name, external_id, condition from foreword.resource where kind = 'network' order by name`,
      [
        { name: 'lan', external_id: networks?.[0]?.id, condition: 'ready' },
        { name: 'lan~v1', external_id: null, condition: 'absent' },
      ],
    )
    t.same(await engine.sql`select consumed from foreword.quota`, [{ consumed: 1 }])
    t.same((await engine.reconcile({ scope })).drifted, [])
    t.same((await apply(engine, [])).intents, [])
    t.same(await brokenLaws(engine), [])
  },
)

t.test(
  'what cannot change its reference is replaced with what it refers to, needers first',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const fixed = web({ lifecycle: { replace_on: ['network'] } })
    await apply(engine, [lan('10.0.0.0/24'), fixed])
    await allSettled(engine)
    await apply(engine, [lan('10.1.0.0/24'), fixed])
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.same((await toldEffects(cloud)).slice(2), [
      'delete web',
      'delete lan',
      'create lan',
      'create web',
    ])
    t.same(await brokenLaws(engine), [])
  },
)

t.test('who is made first takes along what it refers to', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const fixed = web({ lifecycle: { replace_on: ['network'], create_before_destroy: true } })
  await apply(engine, [lan('10.0.0.0/24'), fixed])
  await allSettled(engine)
  await apply(engine, [lan('10.1.0.0/24'), fixed])
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), [
    'create lan',
    'create web',
    'delete web',
    'delete lan',
  ])
  t.same(await brokenLaws(engine), [])
})

t.test(
  'what needed it and goes is gone before it, also where it goes for another one',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    await apply(engine, [lan('10.0.0.0/24'), web({ needs: ['network/lan'] })])
    await allSettled(engine)
    await apply(engine, [lan('10.1.0.0/24')], { prune: true })
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.same((await toldEffects(cloud)).slice(2), ['delete web', 'delete lan', 'create lan'])
  },
)

t.test('another stack that refers to what is replaced is not left behind', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [lan('10.0.0.0/24'), web({ stack: 'other' })])
  await allSettled(engine)
  await engine.reconcileDeps.store.want([lan('10.1.0.0/24')], 'test')
  await runConverge(engine.reconcileDeps)({ scope, stack: 'default' })
  await allSettled(engine)
  const { networks, vms } = await thingsIn(cloud)
  t.equal(networks?.length, 1)
  t.match(vms, [{ network: networks?.[0]?.id }])
})

t.test(
  'two of one name are refused where their provider allows none, and nothing is written',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const lifecycle = { create_before_destroy: true }
    await apply(engine, [record('A', ['192.0.2.1'], { lifecycle })])
    await allSettled(engine)
    await t.rejects(
      apply(engine, [record('AAAA', ['2001:db8::1'], { lifecycle })]),
      /www.example.org. cannot be created before it is destroyed: its provider allows no two/,
    )
    t.equal((await toldEffects(cloud)).length, 1)
  },
)

t.test(
  'a creation that is refused leaves the old one, which goes once there is a new one',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    await apply(engine, [lan('10.0.0.0/24'), web()])
    await allSettled(engine)
    await apply(engine, [lan('no range at all')])
    const ended = await allSettled(engine)
    t.same(
      ended
        .slice(2)
        .map(({ name, verb, state }) => `${verb} ${name} ${state}`)
        .toSorted(),
      ['create lan rejected', 'delete lan~v1 stale', 'update web stale'],
    )
    const still = await thingsIn(cloud)
    t.match(still['networks'], [{ cidr: '10.0.0.0/24' }], 'nothing has gone')
    await apply(engine, [lan('10.2.0.0/24')])
    await allSettled(engine)
    const { networks, vms } = await thingsIn(cloud)
    t.equal(networks?.length, 1)
    t.match(networks, [{ cidr: '10.2.0.0/24' }])
    t.match(vms, [{ network: networks?.[0]?.id }])
    t.same(await brokenLaws(engine), [])
  },
)

t.test(
  'what is protected is neither deleted nor replaced, whoever decides, until it is told otherwise',
  async (t) => {
    const { engine } = await cloudWorld(t)
    await testWorker(t, engine)
    const lifecycle = { prevent_destroy: true }
    await apply(engine, [lan('10.0.0.0/24', { lifecycle })])
    await allSettled(engine)
    await t.rejects(
      apply(engine, [], { prune: true }),
      /network\/lan is protected by prevent_destroy/,
    )
    await t.rejects(
      apply(engine, [lan('10.1.0.0/24', { lifecycle })]),
      /network\/lan would be replaced because of cidr, and is protected/,
    )
    const sweep = defineDecider({
      name: 'sweep',
      version: 1,
      read: () => ({}),
      decide: () => remove('network', 'lan'),
    })
    t.match(await engine.decide(sweep, { scope, input: undefined }), {
      type: 'invalid',
      sqlstate: 'FW026',
    })
    await apply(engine, [lan('10.1.0.0/24', { lifecycle: { prevent_destroy: false } })])
    t.match(await engine.sql`select assumed from foreword.resource where name = 'lan'`, [
      { assumed: { cidr: '10.1.0.0/24' } },
    ])
  },
)

t.test(
  'paths that are left to others are neither put right, nor drift, nor overwritten',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, { traits: { settle_ms: 0 } })
    await testWorker(t, engine)
    const lifecycle = { ignore: ['ttl'] }
    await apply(engine, [record('A', ['192.0.2.1'], { lifecycle })])
    await allSettled(engine)
    await fetch(`${cloud.url}/admin/drift`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        account: scope,
        kind: 'dns_records',
        name: 'www.example.org.',
        set: { ttl: 5 },
      }),
    })
    t.match(await engine.reconcile({ scope }), { looked: 1, drifted: [], intents: [] })
    const other = want(
      'dns_record',
      'www.example.org.',
      { type: 'A', records: ['192.0.2.1'], ttl: 9 },
      { lifecycle },
    )
    t.same((await apply(engine, [other])).intents, [])
    await apply(engine, [record('A', ['192.0.2.2'], { lifecycle })])
    await allSettled(engine)
    t.match((await thingsIn(cloud))['dns_records'], [{ ttl: 5, records: ['192.0.2.2'] }])
  },
)

t.test(
  'a replacement counts as a deletion where policies limit those, and waits for a person',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, {
      config: { policies: [{ scope: '*', kind: 'dns_record', deletes_max: 0 }] },
    })
    await testWorker(t, engine)
    await apply(engine, [record('A', ['192.0.2.1'])])
    await allSettled(engine)
    await apply(engine, [record('AAAA', ['2001:db8::1'])])
    t.match(
      await engine.sql`
    select verb, state, reason from foreword.intent where settled_at is null order by version`,
      [
        {
          verb: 'delete',
          state: 'awaiting_approval',
          reason: /1 deletion of dns_record.*0 at most/,
        },
        { verb: 'create', state: 'pending' },
      ],
    )
    t.equal((await toldEffects(cloud)).length, 1)
  },
)

t.test('an old one that is left over holds up nothing that is to be made anew', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const gate = (ttl: number): Wanted =>
    want(
      'dns_record',
      'gate.example.org.',
      { type: 'TXT', ttl, records: [{ ref: 'network/lan#id' }] },
      { lifecycle: { replace_on: ['ttl'] } },
    )
  await apply(engine, [lan('10.0.0.0/24'), web(), gate(60)])
  await allSettled(engine)
  await apply(engine, [lan('no range at all')])
  await allSettled(engine)
  t.match(
    await engine.sql`select assumed from foreword.resource where name = 'lan~v1'`,
    [{ assumed: { cidr: '10.0.0.0/24' } }],
    'its creation was refused, and it stays',
  )
  await apply(engine, [lan('10.2.0.0/24'), gate(90)])
  t.same(
    (await allSettled(engine)).slice(-5).map(({ verb, name, state }) => `${verb} ${name} ${state}`),
    [
      'delete gate.example.org. confirmed',
      'create lan confirmed',
      'update web confirmed',
      'create gate.example.org. confirmed',
      'delete lan~v1 confirmed',
    ],
  )
  const { networks, vms } = await thingsIn(cloud)
  t.match(networks, { length: 1 })
  t.match(vms, [{ network: networks?.[0]?.id }])
  t.same(await brokenLaws(engine), [])
})

t.test('what referred to an old one that is left over, and goes, goes before it', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [lan('10.0.0.0/24'), web()])
  await allSettled(engine)
  await apply(engine, [lan('no range at all')])
  await allSettled(engine)
  await apply(engine, [lan('10.2.0.0/24')], { prune: true })
  t.same(
    (await allSettled(engine)).slice(-3).map(({ verb, name, state }) => `${verb} ${name} ${state}`),
    ['create lan confirmed', 'delete web confirmed', 'delete lan~v1 confirmed'],
  )
  t.match((await thingsIn(cloud))['networks'], [{ cidr: '10.2.0.0/24' }])
  t.same(await brokenLaws(engine), [])
})

t.test('who is under way as what it refers to is made anew is carried out first', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const worker = await engine.startWorker(() => undefined)
  await apply(engine, [lan('10.0.0.0/24'), web()])
  await allSettled(engine)
  await worker.stop()
  await apply(engine, [want('vm', 'web', { size: 'm', network: { ref: 'network/lan#id' } })])
  await apply(engine, [lan('10.1.0.0/24')])
  await testWorker(t, engine)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), [
    'update web',
    'create lan',
    'update web',
    'delete lan',
  ])
  const { networks, vms } = await thingsIn(cloud)
  t.match(networks, { length: 1 })
  t.match(vms, [{ size: 'm', network: networks?.[0]?.id }])
  t.same(await brokenLaws(engine), [])
})
