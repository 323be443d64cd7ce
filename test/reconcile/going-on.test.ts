/** A run that nobody watches: what it cannot decide is left, and told; all else is put right, in every scope. */
import t from 'tap'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import { apply, brokenLaws, scope, toldEffects, want, type Wanted } from '../support/wanting.ts'

const lan = (name: string, over: Partial<Wanted> = {}): Wanted =>
  want('network', name, { cidr: '10.0.0.0/24' }, over)

const told = (left: readonly { resource: string | null; reason: string }[]): readonly string[] =>
  left.map(({ resource, reason }) => `${resource ?? 'all'}: ${reason}`)

t.test('what no provider takes keeps nothing else from being made, in no scope', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  const { want: wish } = engine.reconcileDeps.store
  await wish([want('nokind', 'x', {}, { scope: 'aaa' })], 'test')
  const bad = want('network', 'bad', { cidr: 7 })
  const needing = lan('after', { needs: ['network/bad'] })
  await wish([lan('a'), bad, needing, lan('c'), lan('other', { scope: 'zzz' })], 'test')
  const done = await engine.reconcile({})
  t.match(told(done.left), [
    /^nokind\/x: .*unknown kind/,
    /^network\/bad: .*expected a string, got 7/,
    /^network\/after: /,
  ])
  t.match(done.left[1]?.remedy, /put it in quotes/)
  await allSettled(engine)
  const made = await engine.sql`
    select scope, name from foreword.resource where assumed is not null order by scope, name`
  t.same(made, [
    { scope, name: 'a' },
    { scope, name: 'c' },
    { scope: 'zzz', name: 'other' },
  ])
  t.match(told((await engine.reconcile({ scope: 'zzz' })).left), [])
  t.same(await brokenLaws(engine), [])
})

t.test('a circle, closed from SQL, keeps only its own from being decided', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const circle = [
    lan('one', { needs: ['network/two'] }),
    lan('two', { needs: ['network/one'], stack: 'other' }),
  ]
  await engine.reconcileDeps.store.want([...circle, lan('free')], 'test')
  t.match(told((await engine.reconcile({ scope })).left), [/^network\/(one|two): cyclic needs/])
  await allSettled(engine)
  t.same(await toldEffects(cloud), ['create free'])
})

t.test('what must stay keeps what it refers to, and nothing more', async (t) => {
  const policies = [{ scope, kind: 'vm', name: 'kept', prevent_destroy: true }]
  const { engine, cloud } = await cloudWorld(t, { config: { policies } })
  await testWorker(t, engine)
  const vm = (name: string, network: string): Wanted =>
    want('vm', name, { size: 's', network: { ref: `network/${network}#id` } })
  const all = [lan('mine'), lan('free'), vm('kept', 'mine'), vm('gone', 'free')]
  await apply(engine, all)
  await allSettled(engine)
  for (const { kind, name } of all) {
    await engine.sql`select foreword.unwant(${scope}, ${kind}, ${name})`
  }
  const done = await engine.reconcile({ scope })
  t.match(told(done.left), [/^vm\/kept: .*prevent_destroy/, /^network\/mine: vm\/kept must come/])
  await allSettled(engine)
  t.same((await toldEffects(cloud)).slice(4), ['delete gone', 'delete free'])
})

t.test('one that is under way and to be made anew holds up no other', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const lifecycle = { create_before_destroy: true }
  const made = (cidr: string): Wanted => want('network', 'busy', { cidr }, { lifecycle })
  await apply(engine, [made('10.0.0.0/24')])
  const { want: wish } = engine.reconcileDeps.store
  await wish([made('10.1.0.0/24'), lan('free')], 'test')
  const done = await engine.reconcile({ scope })
  t.match(told(done.left), [/^network\/busy: .*something is under way with it/])
  t.match(done.intents, [{ name: 'free' }])
  await testWorker(t, engine)
  await allSettled(engine)
  t.match(await engine.reconcile({ scope }), { left: [], intents: { length: 2 } })
  await allSettled(engine)
  t.equal((await toldEffects(cloud)).at(-1), 'delete busy')
})

t.test('what is wanted no more stays as long as somebody wants what needs it', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const vm = want('vm', 'web', { size: 's', network: { ref: 'network/used#id' } }, { stack: 'web' })
  await apply(engine, [lan('used'), lan('unused'), vm])
  await allSettled(engine)
  const unwant = (kind: string, name: string) =>
    engine.sql`select foreword.unwant(${scope}, ${kind}, ${name})`
  await unwant('network', 'used')
  await unwant('network', 'unused')
  const done = await engine.reconcile({ scope })
  t.match(told(done.left), ['network/used: network/used is wanted no more, and vm/web needs it'])
  await allSettled(engine)
  t.same((await toldEffects(cloud)).slice(3), ['delete unused'])
  await unwant('vm', 'web')
  t.match(told((await engine.reconcile({ scope })).left), [])
  await allSettled(engine)
  t.same((await toldEffects(cloud)).slice(4), ['delete web', 'delete used'])
})
