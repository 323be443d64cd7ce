/** What goes is gone after all that refers to it: also where these do not go, but refer to something else by then. */
import t from 'tap'
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

const lan = (name: string, cidr = '10.0.0.0/24', over: Partial<Wanted> = {}): Wanted =>
  want('network', name, { cidr }, over)

const web = (network: string, spec: object = {}, over: Partial<Wanted> = {}): Wanted =>
  want('vm', 'web', { size: 's', network: { ref: `network/${network}#id` }, ...spec }, over)

const prune = { prune: true }

t.test('it goes after who leaves it in the same run', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [lan('old'), web('old')])
  await allSettled(engine)
  await apply(engine, [lan('new'), web('new')], prune)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), ['create new', 'update web', 'delete old'])
  t.same(await brokenLaws(engine), [])
})

t.test('it goes after who left it before, and is not through yet', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await apply(engine, [lan('old'), web('old', {}, { stack: 'other' })])
  const stop = await engine.startWorker(() => undefined)
  await allSettled(engine)
  await stop.stop()
  await apply(engine, [lan('old'), lan('new'), web('new', {}, { stack: 'other' })])
  await apply(engine, [lan('new')], prune)
  await testWorker(t, engine)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), ['create new', 'update web', 'delete old'])
})

t.test('an old one goes after who leaves the name when that is made anew', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const lifecycle = { create_before_destroy: true }
  const first = (cidr: string): Wanted => want('network', 'lan', { cidr }, { lifecycle })
  await apply(engine, [first('10.0.0.0/24'), web('lan')])
  await allSettled(engine)
  await apply(engine, [first('10.1.0.0/24'), lan('new'), web('new')])
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(-2), ['update web', 'delete lan'])
})

t.test('it goes after the old one of who leaves it by being made anew first', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const lifecycle = { replace_on: ['size'], create_before_destroy: true }
  await apply(engine, [lan('old'), web('old', {}, { lifecycle })])
  await allSettled(engine)
  await apply(engine, [lan('new'), web('new', { size: 'm' }, { lifecycle })], prune)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), [
    'create new',
    'create web',
    'delete web',
    'delete old',
  ])
})

const anew = (cidr: string): Wanted =>
  lan('lan', cidr, { lifecycle: { create_before_destroy: false } })

t.test('what is destroyed to be made anew goes after who leaves it', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [anew('10.0.0.0/24'), web('lan')])
  await allSettled(engine)
  await apply(engine, [anew('10.1.0.0/24'), lan('new'), web('new')])
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), [
    'create new',
    'update web',
    'delete lan',
    'create lan',
  ])
  t.same(await brokenLaws(engine), [])
})

t.test('what is destroyed to be made anew goes after who leaves it in another stack', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [anew('10.0.0.0/24'), lan('new'), web('lan', {}, { stack: 'mine' })])
  await allSettled(engine)
  const { want: wish } = engine.reconcileDeps.store
  await wish([anew('10.1.0.0/24'), web('new', {}, { stack: 'mine' })], 'test')
  await runConverge(engine.reconcileDeps)({ scope, stack: 'default' })
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(3), ['update web', 'delete lan', 'create lan'])
})

t.test('what is destroyed first goes after the old one of who is created first', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const lifecycle = { replace_on: ['size'], create_before_destroy: true }
  await apply(engine, [anew('10.0.0.0/24'), web('lan', {}, { lifecycle })])
  await allSettled(engine)
  await apply(engine, [anew('10.1.0.0/24'), lan('new'), web('new', { size: 'm' }, { lifecycle })])
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(2), [
    'create new',
    'create web',
    'delete web',
    'delete lan',
    'create lan',
  ])
  t.same(await brokenLaws(engine), [])
})

t.test('who leaves it for something that is to be in the new one is not waited for', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [anew('10.0.0.0/24'), web('lan')])
  await allSettled(engine)
  const inside = want('ip', 'one', { network: { ref: 'network/lan#id' } })
  const moved = want('vm', 'web', { size: 's', ip: { ref: 'ip/one#id' } })
  await apply(engine, [anew('10.1.0.0/24'), inside, moved])
  const ended = await allSettled(engine)
  t.match(ended[2], { verb: 'delete', name: 'lan', state: 'rejected', reason: /in_use/ })
})

t.test('what goes before it waits for nobody who needs the new one', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  const named = (ref: string): Wanted =>
    want('dns_record', 'www.example.', { type: 'TXT', records: [{ ref }], ttl: 60 })
  const going = want('vm', 'web', { size: 's' }, { needs: ['network/lan'] })
  await apply(engine, [anew('10.0.0.0/24'), going, named('vm/web#id')])
  await allSettled(engine)
  const inside = want('ip', 'one', { network: { ref: 'network/lan#id' } })
  await apply(engine, [anew('10.1.0.0/24'), inside, named('ip/one#id')], prune)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
})

t.test('who could not leave it keeps it', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const ip = want('ip', 'one', {})
  const holder = want('vm', 'db', { size: 's', ip: { ref: 'ip/one#id' } })
  await apply(engine, [lan('old'), web('old'), ip, holder])
  await allSettled(engine)
  const taken = web('new', { ip: { ref: 'ip/one#id' } })
  await apply(engine, [lan('new'), taken, ip, holder], prune)
  const ended = await allSettled(engine)
  t.match(
    ended.filter(({ state }) => state !== 'confirmed'),
    [
      { verb: 'update', name: 'web', state: 'rejected' },
      { verb: 'delete', name: 'old', state: 'stale' },
    ],
  )
  t.notOk((await toldEffects(cloud)).includes('delete old'))
})

const mine = { stack: 'mine' }

t.test('it goes after who leaves it for good, of another stack or kind', async (t) => {
  for (const part of [{ stack: 'default' }, { kind: 'network' }]) {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    await apply(engine, [lan('old'), lan('new'), web('old', {}, mine)])
    await allSettled(engine)
    for (const [kind, name] of [
      ['network', 'old'],
      ['vm', 'web'],
    ] as const) {
      await engine.sql`select foreword.unwant(${scope}, ${kind}, ${name})`
    }
    await runConverge(engine.reconcileDeps)({ scope, ...part })
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.same((await toldEffects(cloud)).slice(3), ['delete web', 'delete old'])
  }
})

t.test('it goes after who leaves it for another one, of another stack', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [lan('old'), lan('new'), web('old', {}, mine)])
  await allSettled(engine)
  await engine.reconcileDeps.store.want([web('new', {}, mine)], 'test')
  await engine.sql`select foreword.unwant(${scope}, 'network', 'old')`
  await runConverge(engine.reconcileDeps)({ scope, stack: 'default' })
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.same((await toldEffects(cloud)).slice(3), ['update web', 'delete old'])
})

t.test('what is needed of another stack, and not there yet, is made before', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const first = lan('first', undefined, mine)
  const second = lan('second', undefined, { needs: ['network/first'] })
  await engine.reconcileDeps.store.want([first, second], 'test')
  const made = await runConverge(engine.reconcileDeps)({ scope, stack: 'default' })
  t.match(made.intents, [{ name: 'first' }, { name: 'second' }])
  await allSettled(engine)
  t.same(await toldEffects(cloud), ['create first', 'create second'])
  t.same(await brokenLaws(engine), [])
})

t.test(
  'what is deleted is looked for by its id to the end, and another one of its name stays',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, { traits: { sightings: 3 } })
    await testWorker(t, engine)
    await apply(engine, [want('vm', 'web', { size: 's' })])
    await allSettled(engine)
    const made = await fetch(`${cloud.url}/admin/drift`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: scope, kind: 'vms', create: { name: 'web', size: 'l' } }),
    })
    const { id } = (await made.json()) as { id: string }
    await apply(engine, [], { prune: true })
    t.match((await allSettled(engine)).at(-1), { verb: 'delete', state: 'confirmed' })
    t.match((await thingsIn(cloud))['vms'], [{ id }])
    t.same((await toldEffects(cloud)).slice(2), ['delete web'])
    t.match(await engine.sql`select external_id from foreword.resource`, [{ external_id: null }])
  },
)
