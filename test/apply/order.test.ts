/**
 * The law of order: what the outside sees is consistent with the serial order of the decisions, and nobody waits
 * for more than it relied on. The cloud of these tests holds every call until it is told to let it through.
 */
import t, { type Test } from 'tap'
import {
  create,
  defineDecider,
  remove,
  update,
  type IntentDraft,
  type Queries,
  type Query,
} from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { gate, type Gate } from '../support/gate.ts'

const scope = 'acme'

interface World {
  readonly engine: Engine
  readonly cloud: Gate
  /** Decides these intents, having read what `read` asks for. */
  readonly decide: (
    drafts: readonly IntentDraft[],
    read?: (q: Queries) => Record<string, Query<unknown>>,
    apart?: boolean,
  ) => Promise<void>
  /** Waits until exactly these calls have begun, and everything else that is open waits for something. */
  readonly begins: (t: Test, calls: readonly string[]) => Promise<void>
  readonly waits: () => Promise<Record<string, string>>
}

/** Open intents by what they wait for: `verb name` of both. */
const waitsOf = async (engine: Engine): Promise<Record<string, string>> => {
  const rows = await engine.sql<{ who: string; what: string }[]>`
    select i.verb || ' ' || i.name as who, w.verb || ' ' || w.name as what
    from foreword.intent i
    join foreword.intent w on w.id = i.waits_for
    order by i.id`
  return Object.fromEntries(rows.map((row) => [row.who, row.what]))
}

const world = async (t: Test): Promise<World> => {
  const cloud = gate('vm')
  const { engine } = await testEngine(t, { providers: [cloud.provider] })
  await testWorker(t, engine)
  t.teardown(cloud.open)
  return {
    engine,
    cloud,
    decide: async (drafts, read = () => ({}), apart = false) => {
      const decider = defineDecider({ name: 'test', version: 1, apart, read, decide: () => drafts })
      const result = await engine.decide(decider, { scope, input: undefined })
      if (result.type !== 'decided') throw new Error(JSON.stringify(result))
    },
    begins: async (t, calls) => {
      await eventually(`${calls.join(', ')} begun`, async () => {
        const rows = await engine.sql`
          select from foreword.intent
          where state = 'pending' and waits_for is null`
        return rows.length === 0 && cloud.begun().length >= calls.length
      })
      t.same(cloud.begun().toSorted(), calls.toSorted())
    },
    waits: () => waitsOf(engine),
  }
}

const vm = (name: string) => create('vm', name, { size: 's' })
const larger = (name: string) => update('vm', name, { size: 'l' })
const reads =
  (...names: readonly string[]) =>
  (q: Queries) => ({ vms: q.getAll('vm', names) })

t.test('wr: nothing is attempted before what its decision has read is through', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  await decide([vm('a'), vm('b')])
  await decide([vm('c'), vm('d')], reads('a'))
  await begins(t, ['create a', 'create b'])
  t.same(await waits(), { 'create c': 'create a', 'create d': 'create a' })
  cloud.let('create a')
  await begins(t, ['create a', 'create b', 'create c', 'create d'])
  cloud.open()
  await allSettled(engine)
})

t.test('wr: a version that was rejected takes along whoever relied on it', async (t) => {
  const { cloud, decide, engine } = await world(t)
  await decide([vm('a')])
  await decide([vm('c')], reads('a'))
  await eventually('a call', () => cloud.begun().length === 1)
  cloud.refuse('create a')
  const ended = (await allSettled(engine)).map(({ name, state }) => `${name} ${state}`)
  t.same(ended, ['a rejected', 'c stale'])
  t.same(cloud.begun(), ['create a'])
})

t.test('rw: what was read is not replaced before its readers are through', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  cloud.let('create a')
  await decide([vm('a')])
  await allSettled(engine)
  await decide([vm('b')], reads('a'))
  await decide([remove('vm', 'a'), vm('c')])
  await begins(t, ['create a', 'create b', 'create c'])
  t.same(await waits(), { 'delete a': 'create b' }, 'and its other intents go on')
  cloud.let('create b')
  await begins(t, ['create a', 'create b', 'create c', 'delete a'])
  cloud.open()
  await allSettled(engine)
})

t.test('rw: readers of a version that was taken back are waited for as well', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  cloud.let('create a')
  await decide([vm('a')])
  await allSettled(engine)
  await decide([vm('b')], reads('a'))
  await begins(t, ['create a', 'create b'])
  await decide([vm('x')])
  cloud.refuse('create x')
  await decide([larger('a')], reads('x'))
  await eventually('taken back', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'stale'`
    return rows.length === 1
  })
  await decide([remove('vm', 'a')])
  await begins(t, ['create a', 'create b', 'create x'])
  t.same(await waits(), { 'delete a': 'create b' })
  cloud.open()
  await allSettled(engine)
})

t.test('rw: who replaced what he had read is waited for with all his intents', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  cloud.let('create a', 'update a')
  await decide([vm('a')])
  await allSettled(engine)
  await decide([larger('a'), vm('b')], reads('a'))
  await eventually('its update is through', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return rows.length === 2
  })
  await decide([remove('vm', 'a')])
  await begins(t, ['create a', 'update a', 'create b'])
  t.same(await waits(), { 'delete a': 'create b' })
  cloud.open()
  await allSettled(engine)
})

t.test('ww: each version waits for the one before, and for nothing else', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  await decide([vm('a')])
  await decide([larger('a'), vm('b')])
  await decide([remove('vm', 'a')])
  await begins(t, ['create a', 'create b'])
  t.same(await waits(), { 'update a': 'create a', 'delete a': 'update a' })
  cloud.open()
  await allSettled(engine)
  t.same(cloud.begun().slice(2), ['update a', 'delete a'])
})

t.test('counters: who takes waits for who gives back, and not for others who take', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  const cores = (q: Queries) => ({ cores: q.counter('cores') })
  const taking = (name: string) => create('vm', name, { size: 's' }, { counters: { cores: 4 } })
  cloud.let('create a')
  await decide([taking('a')], cores)
  await allSettled(engine)
  await decide([taking('b')], cores)
  await decide([taking('c')], cores)
  await begins(t, ['create a', 'create b', 'create c'])
  await decide([update('vm', 'a', { size: 'xs' }, { counters: { cores: 1 } }), vm('z')], cores)
  await decide([taking('d')], cores)
  await begins(t, ['create a', 'create b', 'create c', 'update a', 'create z'])
  t.same(await waits(), { 'create d': 'update a' })
})

t.test(
  'counters: who takes waits for the smaller one that is made in place of a larger',
  async (t) => {
    const { engine, cloud, decide, begins, waits } = await world(t)
    const cores = (q: Queries) => ({ cores: q.counter('cores') })
    const taking = (name: string, cores: number) =>
      create('vm', name, { size: 's' }, { counters: { cores } })
    cloud.let('create a')
    await decide([taking('a', 4)], cores)
    await allSettled(engine)
    await decide([remove('vm', 'a')])
    // Counted at once, while the larger one is still there.
    await decide([taking('a', 1)], cores)
    await decide([taking('d', 3)], cores)
    await decide([vm('z')])
    await begins(t, ['create a', 'delete a', 'create z'])
    t.same(await waits(), { 'create a': 'delete a', 'create d': 'create a' })
    cloud.open()
    await allSettled(engine)
  },
)

t.test('counters: who counted on what is not given back after all goes stale', async (t) => {
  const { cloud, decide, engine } = await world(t)
  const cores = (q: Queries) => ({ cores: q.counter('cores') })
  const taking = (name: string) => create('vm', name, { size: 's' }, { counters: { cores: 4 } })
  cloud.let('create a')
  await decide([taking('a')], cores)
  await allSettled(engine)
  cloud.refuse('update a')
  await decide([update('vm', 'a', { size: 'xs' }, { counters: { cores: 1 } })], cores)
  await decide([taking('b')], cores)
  t.same(
    (await allSettled(engine)).map(({ verb, name, state }) => `${verb} ${name} ${state}`),
    ['create a confirmed', 'update a rejected', 'create b stale'],
  )
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 4 }])
})

t.test('predicates: who found that there is room waits for who made it', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  const web = (q: Queries) => ({ web: q.find('vm', { role: 'web' }) })
  const member = (name: string) => create('vm', name, { size: 's' }, { labels: { role: 'web' } })
  cloud.let('create a')
  await decide([member('a')])
  await allSettled(engine)
  await decide([vm('y')], web)
  cloud.let('create y')
  await allSettled(engine)
  await decide([remove('vm', 'a')])
  await decide([member('b')], web)
  await begins(t, ['create a', 'create y', 'delete a'])
  t.same(await waits(), { 'create b': 'delete a' })
})

t.test(
  'an intent whose outcome nobody knows blocks what depends on it, and nobody else',
  async (t) => {
    const cloud = gate('vm', { call_timeout_ms: 50 })
    const { engine } = await testEngine(t, { providers: [cloud.provider] })
    await testWorker(t, engine)
    const decide = (drafts: readonly IntentDraft[], ...names: readonly string[]) =>
      engine.decide(
        defineDecider({ name: 'test', version: 1, read: reads(...names), decide: () => drafts }),
        { scope, input: undefined },
      )
    await decide([vm('lost')])
    await eventually('in doubt', async () => {
      const rows = await engine.sql`select from foreword.doubt where waits_for_a_person`
      return rows.length === 1
    })
    cloud.open()
    await decide([vm('a')], 'lost')
    await decide([vm('b')], 'a')
    await decide([vm('c')])
    await decide([vm('d')], 'c')
    await eventually('strangers through', async () => {
      const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
      return rows.length === 2
    })
    t.same(await waitsOf(engine), { 'create a': 'create lost', 'create b': 'create a' })
    t.match(await engine.sql`select blocks from foreword.doubt`, [{ blocks: 1 }])
  },
)

t.test('a person whose ruling is not committed yet holds up nobody else', async (t) => {
  const { cloud, decide, begins, waits, engine } = await world(t)
  await decide([vm('a'), create('vm', 'b', {}, { needs: ['vm/a'] })])
  await begins(t, ['create a'])
  t.same(await waits(), { 'create b': 'create a' })
  const person = await engine.sql.reserve()
  t.teardown(() => {
    person.release()
  })
  await person`begin`
  await person`
    select foreword.cancel(i.id, 'ada') from foreword.intent i where i.name = 'b'`
  cloud.open()
  await decide([vm('stranger')])
  await eventually('all else is through', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return rows.length === 2
  })
  t.same(await waits(), { 'create b': 'create a' }, 'who is ruled on stays as he is')
  await person`rollback`
  await allSettled(engine)
  t.same(cloud.begun(), ['create a', 'create stranger', 'create b'])
})

t.test(
  'apart: an intent waits for what it needs, and not for what its neighbours read',
  async (t) => {
    const { cloud, decide, begins, waits, engine } = await world(t)
    await decide([vm('a'), vm('b')])
    const drafts = [larger('a'), create('vm', 'c', { size: 's' }, { needs: ['vm/b'] }), vm('d')]
    await decide(drafts, reads('a', 'b', 'c', 'd'), true)
    await begins(t, ['create a', 'create b', 'create d'])
    t.same(await waits(), { 'update a': 'create a', 'create c': 'create b' })
    cloud.let('create a', 'create b')
    await begins(t, ['create a', 'create b', 'create d', 'update a', 'create c'])
    await decide([remove('vm', 'b')], undefined)
    await begins(t, ['create a', 'create b', 'create d', 'update a', 'create c'])
    t.same(await waits(), { 'delete b': 'create c' }, 'what is needed is not replaced meanwhile')
    cloud.open()
    await allSettled(engine)
  },
)

t.test('intents of one decision, and those of strangers, are attempted at once', async (t) => {
  const { cloud, decide, begins, engine } = await world(t)
  const names = Array.from({ length: 40 }, (_, i) => `vm-${i}`)
  await decide(names.slice(0, 20).map(vm))
  for (const name of names.slice(20)) await decide([vm(name)], reads(name, 'never'))
  await begins(
    t,
    names.map((name) => `create ${name}`),
  )
  cloud.open()
  await allSettled(engine)
})
