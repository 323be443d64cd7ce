import t, { type Test } from 'tap'
import { connect } from '../../src/connect.ts'
import { remove, update } from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Engine } from '../../src/foreword.ts'
import { codeOf } from '../../src/store/connect.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say } from '../support/scripted-provider.ts'
import {
  seedThings,
  sightingOf,
  thing,
  worldOf,
  worldProvider,
  type Shown,
  type World,
} from '../support/watched-world.ts'

const scope = 'acme'

const told = async (t: Test, show: (world: World) => Omit<Shown, 'world'> = () => ({})) => {
  const world = worldOf(3)
  const reads: string[] = []
  const provider = worldProvider({
    world,
    read: (name) => {
      reads.push(name)
      return Promise.resolve(sightingOf(world, name))
    },
    ...show(world),
  })
  const { engine, url } = await testEngine(t, { providers: [provider] })
  await seedThings(engine.sql, 3)
  return { world, engine, url, reads, provider }
}

const observe = async (
  engine: Engine,
  name: string,
  state: Json,
  revision: string | null = null,
): Promise<string | undefined> => {
  const [row] = await engine.sql<{ came_of_it: string }[]>`
    select foreword.observe(
      ${scope}, 'thing', ${name}, ${engine.sql.json(state)}, revision => ${revision}
    ) as came_of_it`
  return row?.came_of_it
}

const answered = (engine: Engine): Promise<unknown> =>
  eventually('every notice is answered', async () => {
    const due = await engine.sql`select from foreword.notice where look_due_at is not null`
    return due.length === 0
  })

t.test(
  'what a webhook tells is found within seconds, and put back, and nothing else is read',
  async (t) => {
    const { world, engine, reads } = await told(t)
    await testWorker(t, engine)
    world.set(thing(1), { n: 2 })
    t.equal(await observe(engine, thing(1), { n: 2 }, '7'), 'looking')
    await answered(engine)
    await eventually('it is put back', () => JSON.stringify(world.get(thing(1))) === '{"n":1}')
    await allSettled(engine)
    t.match(await engine.sql`select name, path, assumed, observed from foreword.drift_history`, [
      { name: thing(1), path: 'n', assumed: 1, observed: 2 },
    ])
    t.match(
      await engine.sql`select actor from foreword.decision where decider = 'foreword/observe'`,
      [{ actor: 'foreword/notice' }],
    )
    t.same([...new Set(reads)], [thing(1)])
  },
)

t.test('a process that carries out what it decides looks into it as a worker does', async (t) => {
  const { world, engine } = await told(t)
  await engine.decideHere(say, { scope, input: { drafts: [update('thing', thing(0), { n: 3 })] } })
  await allSettled(engine)
  world.set(thing(1), { n: 2 })
  t.equal(await observe(engine, thing(1), { n: 2 }), 'looking')
  await answered(engine)
  await eventually('it is put back', () => JSON.stringify(world.get(thing(1))) === '{"n":1}')
})

t.test(
  'a webhook that is wrong changes nothing, and one that says "gone" deletes nothing',
  async (t) => {
    const { world, engine, reads } = await told(t, () => ({ traits: { sightings: 2 } }))
    await testWorker(t, engine)
    t.equal(await observe(engine, thing(0), { n: 99 }), 'looking')
    t.equal(await observe(engine, thing(1), null), 'looking')
    await answered(engine)
    t.same(await engine.sql`select from foreword.drift_history`, [])
    t.match(await engine.sql`select assumed from foreword.resource`, [
      { assumed: { n: 1 } },
      { assumed: { n: 1 } },
      { assumed: { n: 1 } },
    ])
    t.equal(world.size, 3)
    t.same(reads.toSorted(), [thing(0), thing(1)], 'each was read once: it showed no difference')
  },
)

t.test('the same is looked into once, and what is older not at all', async (t) => {
  const { engine } = await told(t)
  const tell = (n: number, revision: string | null) => observe(engine, thing(0), { n }, revision)
  t.equal(await tell(2, '10'), 'looking')
  t.equal(await tell(2, '10'), 'repeated')
  t.equal(await tell(3, '10'), 'repeated', 'the same revision is the same')
  t.equal(await tell(4, '9'), 'older')
  t.equal(await tell(4, '11'), 'looking', '9 is older than 10, and 11 is not')
  t.equal(await tell(5, '"etag-b"'), 'looking')
  t.equal(await tell(5, '"etag-b"'), 'repeated')
  t.equal(await tell(6, '"etag-a"'), 'looking', 'an etag is not ordered')
  t.equal(await tell(7, null), 'looking')
  t.equal(await tell(7, null), 'repeated')
  t.equal(await tell(8, null), 'looking')
  t.match(await engine.sql`select times, repeats, state from foreword.notice`, [
    { times: 6, repeats: 5, state: { n: 8 } },
  ])
})

t.test(
  'what a look has shown already is known; what may have become so again is not',
  async (t) => {
    const { world, engine } = await told(t, (world) => ({
      read: (name) =>
        Promise.resolve({
          ...sightingOf(world, name),
          state: world.get(name) ?? null,
          revision: '20',
        }),
    }))
    await engine.reconcile({ scope })
    t.equal(await observe(engine, thing(0), { n: 1 }), 'known')
    t.equal(await observe(engine, thing(0), { n: 9 }, '20'), 'known')
    t.equal(await observe(engine, thing(0), { n: 9 }, '19'), 'older')
    t.equal(await observe(engine, thing(0), { n: 9 }, '21'), 'looking')
    t.equal(await observe(engine, thing(1), { n: 9 }), 'looking')
    await testWorker(t, engine)
    await answered(engine)
    world.set(thing(1), { n: 9 })
    t.equal(await observe(engine, thing(1), { n: 9 }), 'looking', 'it was not so, and is now')
  },
)

t.test('of what nobody manages nothing is kept', async (t) => {
  const { engine } = await told(t)
  t.equal(await observe(engine, 'never heard of', { n: 1 }), 'unknown')
  await engine.decide(say, { scope, input: { drafts: [remove('thing', thing(2))] } })
  t.equal(await observe(engine, thing(2), { n: 1 }), 'unknown')
  t.same(await engine.sql`select from foreword.notice`, [])
  t.same(await engine.sql`select from foreword_private.resource where name = 'never heard of'`, [])
})

t.test('it is not looked at before the last write has settled, and then it is', async (t) => {
  const { world, engine, reads } = await told(t, () => ({ traits: { settle_ms: 1_500 } }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [update('thing', thing(0), { n: 5 })] } })
  await allSettled(engine)
  reads.length = 0
  t.equal(await observe(engine, thing(0), { n: 1 }, '3'), 'looking')
  await eventually('somebody has come by', async () => {
    const rows = await engine.sql`
      select from foreword_private.notice where look_at > clock_timestamp()`
    return rows.length === 1
  })
  t.same(reads, [], 'what would be read now may be of before the write')
  await answered(engine)
  t.same(reads, [thing(0)])
  t.same(world.get(thing(0)), { n: 5 })
  t.same(await engine.sql`select from foreword.drift_history`, [])
})

t.test(
  'notices are told from TypeScript too, and what is none is refused with its place',
  async (t) => {
    const { url, provider } = await told(t)
    await using foreword = await connect({ database: url, providers: [provider] })
    const notice = { scope, kind: 'thing', name: thing(0), state: { n: 2 } }
    t.equal(
      await foreword.observe({
        ...notice,
        revision: '1',
        observed_at: new Date(),
        outputs: { a: 'b' },
      }),
      'looking',
    )
    t.equal(await foreword.observe({ ...notice, revision: '1' }), 'repeated')
    t.equal(await foreword.observe({ ...notice, name: 'ünknown/☃' }), 'unknown')
    const odd: readonly (readonly [object, RegExp])[] = [
      [{ kind: 'thong' }, /no provider for that kind.*known kinds: thing/],
      [{ kind: '' }, /kind is no name/],
      [{ name: 7 }, /name is no name/],
      [{ state: undefined }, /its state is no object/],
      [{ state: [1] }, /its state is no object/],
      [{ state: { a: 'b\0' } }, /a holds NUL/],
      [{ state: { a: Number.NaN } }, /a is NaN/],
      [{ state: { a: 'x'.repeat(1_100_000) } }, /characters long/],
      [{ revision: 7 }, /revision is no text/],
      [{ observed_at: new Date('never') }, /observed_at is no Date/],
      [{ name: 'a\nb' }, /is no name/],
    ]
    for (const [over, message] of odd) {
      const error: unknown = await foreword
        .observe({ ...notice, ...over })
        .catch((thrown: unknown) => thrown)
      t.ok(error instanceof ForewordError)
      t.match(error instanceof ForewordError ? `${error.message}; ${error.remedy}` : '', message)
    }
  },
)

t.test(
  'what is no notice in SQL has a code, a message and a hint, and leaves nothing',
  async (t) => {
    const { engine } = await told(t)
    const odd: Readonly<Record<string, string>> = {
      [`'', 'thing', 'x', '{}'`]: 'FW025',
      [`'acme', 'th/ing', 'x', '{}'`]: 'FW025',
      [`'acme', 'thing', null, '{}'`]: 'FW025',
      [`'acme', 'thing', 'x', '[]'`]: 'FW020',
      [`'acme', 'thing', 'x', '"gone"'`]: 'FW020',
      [`'acme', 'thing', 'x', '{}', outputs => '[]'`]: 'FW028',
      [`'acme', 'thing', 'x', '{}', revision => ''`]: 'FW028',
      [`'acme', 'thing', 'x', '{}', observed_at => 'infinity'`]: 'FW028',
      [`'acme', 'thing', 'x', jsonb_build_object('a', repeat('x', 1100000))`]: 'FW023',
    }
    for (const [args, code] of Object.entries(odd)) {
      t.equal(
        await engine.sql.unsafe(`select foreword.observe(${args})`).then(() => '', codeOf),
        code,
        args,
      )
    }
    t.same(await engine.sql`select from foreword.notice`, [])
  },
)
