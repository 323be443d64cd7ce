/**
 * What is learned under an old lease, by whoever was stopped for a while: its attempt keeps it, and the resource as it
 * is known now is not taken for what it was then.
 */
import t from 'tap'
import { create, remove } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, type Call } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'

const scope = 'acme'

/** A deletion is its own proof, and so is all else: each thing that is made has an id of its own. */
const world = async (t: Parameters<typeof testEngine>[0]) => {
  const ids: (string | null)[] = []
  const call = (of: Call) => {
    ids.push(of.external_id)
    return Promise.resolve(
      of.verb === 'delete'
        ? applied(null)
        : applied(of.spec as Json, { external_id: `id-${of.generation}`, outputs: { n: 1 } }),
    )
  }
  const { engine } = await testEngine(t, { providers: [scriptedProvider({ call })] })
  await testWorker(t, engine)
  const done = async (draft: ReturnType<typeof create>): Promise<void> => {
    await engine.decide(say, { scope, input: { drafts: [draft] } })
    await allSettled(engine)
  }
  return { engine, ids, done }
}

/** The first call of the first intent, told once more by who was stopped meanwhile. */
const late = async (engine: Engine, result: object): Promise<unknown> => {
  const [first] = await engine.sql<{ entry: number; worker: number; resource: string }[]>`
    select e.id as entry, a.worker, e.resource
    from foreword_private.attempt a
    join foreword_private.entry e on e.id = a.entry
    order by a.entry
    limit 1`
  const of = { entry: first?.entry, resource: first?.resource, epoch: 0, number: 1 }
  return engine.sql`
    select foreword_code.settle(
      ${first?.worker ?? 0},
      ${engine.sql.json([{ ...of, state: 'applied', ...result }])}
    )`
}

const known = async (engine: Engine) => {
  const [row] = await engine.sql<{ external_id: string | null; observed: Json; outputs: Json }[]>`
    select external_id, observed, outputs from foreword.resource`
  return row
}

t.test('its id is not that of what was made since', async (t) => {
  const { engine, ids, done } = await world(t)
  await done(create('thing', 'a', { is: 'first' }))
  await done(remove('thing', 'a'))
  t.same(await late(engine, { outcome: 'applied', external_id: 'id-1', outputs: { n: 0 } }), [])
  t.match(await known(engine), { external_id: null }, 'nor of what is gone')
  await done(create('thing', 'a', { is: 'second' }))
  const now = await known(engine)
  t.match(now, { external_id: 'id-3', observed: { is: 'second' }, outputs: { n: 1 } })

  t.same(await late(engine, { outcome: 'applied', external_id: 'id-1', outputs: { n: 0 } }), [])
  t.same(await late(engine, { seen: true, observed: { is: 'first' }, external_id: 'id-1' }), [])
  t.same(await late(engine, { seen: true }), [], 'a look that saw it gone')
  t.same(await known(engine), now)
  await done(remove('thing', 'a'))
  t.equal(ids.at(-1), 'id-3', 'what is deleted is what is there')
})

t.test('where nothing has been done or seen since, its id is kept: it may be there', async (t) => {
  const { engine, done } = await world(t)
  await done(create('thing', 'a', {}))
  await engine.sql`update foreword_private.observation set external_id = null, outputs = '{}'`
  await late(engine, { outcome: 'applied', external_id: 'late-1', outputs: { n: 2 }, seen: true })
  t.match(await known(engine), { external_id: 'late-1', outputs: { n: 2 }, observed: {} })
})
