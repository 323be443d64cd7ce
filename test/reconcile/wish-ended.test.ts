/** Who wants something absent has what he wanted once it is: what others make of that name afterwards is theirs. */
import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, type AnyProvider } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { thingProvider } from '../support/thing-provider.ts'
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

const thingScaler = defineDecider({
  name: 'thing-scaler',
  version: 1,
  read: (q, name: string) => ({ it: q.get('thing', name) }),
  decide: ({ it }, name) => (it === null ? create('thing', name, { size: 2 }) : []),
})

for (const made_anew of ['after', 'before']) {
  t.test(
    `what others make anew ${made_anew} a person has ruled on the deletion is theirs`,
    async (t) => {
      const there = new Map<string, Json>()
      const called: string[] = []
      const things = thingProvider({
        traits: { idempotency: 'none', sightings: 1, settle_ms: 20 },
        create: ({ name, spec }) => {
          called.push(`create ${name}`)
          there.set(name, spec as Json)
          return Promise.resolve(applied(spec as Json))
        },
        read: (name) => {
          const state = there.get(name)
          return Promise.resolve(state === undefined ? null : { state })
        },
      })
      const provider: AnyProvider = {
        ...things,
        delete: ({ name }) => {
          called.push(`delete ${name}`)
          there.delete(name)
          return Promise.reject(new Error('reset'))
        },
      }
      const { engine } = await testEngine(t, { providers: [provider] })
      const { sql } = engine
      await testWorker(t, engine)
      await apply(engine, [want('thing', 'a', { size: 1 })])
      await allSettled(engine)
      await sql`select foreword.unwant(${scope}, 'thing', 'a')`
      await engine.reconcile({ scope })
      const parked = await eventually('it is parked', async () => {
        const [row] = await sql<{ id: number }[]>`
        select id from foreword.intent where state = 'in_doubt' and due_at is null`
        return row
      })
      const anew = () => engine.decide(thingScaler, { scope, input: 'a' })
      if (made_anew === 'before') await anew()
      await sql`select foreword.resolve(${parked.id}, 'happened', 'ann', 'seen in the console')`
      await allSettled(engine)
      if (made_anew === 'after') await anew()
      await allSettled(engine)
      await engine.reconcile({ scope })
      await allSettled(engine)
      t.same(called, ['create a', 'delete a', 'create a'])
      t.match(await sql`select ended_at from foreword_private.desired`, [{ ended_at: Date }])
    },
  )
}

t.test('what others make anew while the deletion is under way is theirs as well', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  await apply(engine, [want('network', 'd', lan)])
  await allSettled(engine)
  await engine.sql`select foreword.unwant(${scope}, 'network', 'd')`
  await apply(engine, [])
  t.match(await engine.decide(scaler, { scope, input: 'd' }), { type: 'decided' })
  await allSettled(engine)
  await engine.reconcile({ scope })
  await allSettled(engine)
  t.same(await toldEffects(cloud), ['create d', 'delete d', 'create d'])
})
