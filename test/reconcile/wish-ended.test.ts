/** Who wants something absent has what he wanted once it is: what others make of that name afterwards is theirs. */
import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import { apply, brokenLaws, scope, toldEffects, want } from '../support/wanting.ts'

const lan = { cidr: '10.0.0.0/24' }

const scaler = defineDecider({
  name: 'scaler',
  version: 1,
  read: (q, name: string) => ({ it: q.get('network', name) }),
  decide: ({ it }, name) => (it === null ? create('network', name, lan) : []),
})

/** A decider that knows no stack makes it, and two reconciles come by. */
const madeByOthers = async (engine: Engine, name: string): Promise<void> => {
  await engine.decide(scaler, { scope, input: name })
  await allSettled(engine)
  for (let runs = 0; runs < 2; runs++) {
    await engine.reconcile({ scope })
    await allSettled(engine)
  }
}

t.test('what was deleted since nobody wants it may be made again by others', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [want('network', 'a', lan)])
  await allSettled(engine)
  await engine.sql`select foreword.unwant(${scope}, 'network', 'a')`
  await engine.reconcile({ scope })
  await allSettled(engine)
  await madeByOthers(engine, 'a')
  t.same(await toldEffects(cloud), ['create a', 'delete a', 'create a'])
  t.match(await engine.sql`select in_sync, condition, desired from foreword.resource`, [
    { in_sync: true, condition: 'ready', desired: null },
  ])

  t.test('and whoever asks for it again, and takes that back, has it deleted', async (t) => {
    await apply(engine, [want('network', 'a', { cidr: '10.1.0.0/24' })])
    await allSettled(engine)
    await engine.sql`select foreword.unwant(${scope}, 'network', 'a')`
    await engine.reconcile({ scope })
    await allSettled(engine)
    t.equal((await toldEffects(cloud)).at(-1), 'delete a')
  })
  t.same(await brokenLaws(engine), [])
})

t.test('what was unwanted before it was ever made may be made by others', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await engine.reconcileDeps.store.want([want('network', 'b', lan)], 'test')
  await engine.sql`select foreword.unwant(${scope}, 'network', 'b')`
  await engine.reconcile({ scope })
  await madeByOthers(engine, 'b')
  t.same(await toldEffects(cloud), ['create b'])
})

t.test('what is forgotten may be made by others', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [want('network', 'c', lan)])
  await allSettled(engine)
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`select foreword.forget(${scope}, 'network', 'c', 'ann')`
  })
  const headers = { 'x-account': scope }
  const listed = await fetch(`${cloud.url}/v1/networks`, { headers })
  const { items } = (await listed.json()) as { readonly items: readonly { readonly id: string }[] }
  for (const { id } of items) {
    await fetch(`${cloud.url}/v1/networks/${id}`, { method: 'DELETE', headers })
  }
  await madeByOthers(engine, 'c')
  t.equal((await toldEffects(cloud)).at(-1), 'create c')
})
