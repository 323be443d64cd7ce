/** What a pause does to intents that were decided before it: none is begun, and nothing that was begun is cut. */
import t, { type Test } from 'tap'
import { create, defineDecider, update, type IntentDraft } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { applyLog } from '../../src/store/apply-log.ts'
import { connectSql } from '../../src/store/connect.ts'
import {
  allSettled,
  cloudWorld,
  engineOn,
  ledgerOf,
  testEngine,
  testWorker,
} from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

const pause = (engine: Engine, at = scope) =>
  engine.sql`select foreword.pause(${at}, 'ada', 'freeze')`
const resume = (engine: Engine, at = scope) => engine.sql`select foreword.resume(${at}, 'ada')`

/** Its intents are known to be set aside: a claim has come across them. */
const setAside = (engine: Engine, count: number, at = scope): Promise<unknown> =>
  eventually(`${count} are set aside`, async () => {
    const [row] = await engine.sql<{ held: number }[]>`
      select count(*)::integer as held
      from foreword_private.entry
      where held and scope = ${at} and due_at is null`
    return row?.held === count
  })

const gated = async (t: Test) => {
  const thing = gate('thing')
  const { engine, url } = await testEngine(t, { providers: [thing.provider] })
  return { engine, url, thing }
}

t.test('what is pending waits until its scope goes on, and says so', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const names = Array.from({ length: 30 }, (_, i) => `vm-${i}`)
  for (const at of [scope, 'other']) {
    await engine.decide(say, { scope: at, input: names.map((n) => create('vm', n, { size: 's' })) })
  }
  await pause(engine)
  await testWorker(t, engine)
  await setAside(engine, 30)
  await eventually('the other scope is through', async () => {
    const rows =
      await engine.sql`select from foreword.intent where scope = 'other' and settled_at is null`
    return rows.length === 0
  })
  t.match(await ledgerOf(cloud), { effects: 30, max: 1 }, 'nobody was called for the paused one')
  t.same(
    await engine.sql`
      select distinct state, paused, reason, due_at, attempts from foreword.intent where scope = ${scope}`,
    [
      {
        state: 'pending',
        paused: true,
        reason: 'scope acme is paused by ada: freeze',
        due_at: null,
        attempts: 0,
      },
    ],
  )
  t.match(await engine.sql`select waiting from foreword.scope where paused`, [{ waiting: 30 }])
  t.match(await engine.sql`select paused_intents from foreword.health`, [{ paused_intents: 30 }])
  await resume(engine)
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 60, distinct_intents: 60, max: 1 })
  t.same(await engine.sql`select distinct paused from foreword.intent`, [{ paused: false }])
})

t.test(
  'a call that was begun ends, and is looked up and confirmed, in a paused scope',
  async (t) => {
    const { engine, thing } = await gated(t)
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: [create('thing', 'a', {})] })
    await eventually('it is called', () => thing.begun().length === 1)
    await engine.decide(say, { scope, input: [create('thing', 'b', {})] })
    await eventually('it is called', () => thing.begun().length === 2)
    await engine.decide(say, { scope, input: [update('thing', 'a', { n: 2 })] })
    await pause(engine)
    thing.let('create a')
    thing.refuse('create b')
    await eventually('both are through', async () => {
      const rows = await engine.sql`select from foreword.intent where settled_at is null`
      return rows.length === 1
    })
    await setAside(engine, 1)
    t.same(await engine.sql`select name, state from foreword.intent order by id`, [
      { name: 'a', state: 'confirmed' },
      { name: 'b', state: 'rejected' },
      { name: 'a', state: 'pending' },
    ])
    t.match(
      await engine.sql`select version, assumed from foreword.resource where name = 'b'`,
      [{ version: 2, assumed: null }],
      'what did not come true was taken back all the same',
    )
    t.same(thing.begun(), ['create a', 'create b'])
    thing.open()
    await resume(engine)
    await allSettled(engine)
    t.same(thing.begun(), ['create a', 'create b', 'update a'])
  },
)

t.test('what is decided and applied here waits as well', async (t) => {
  const { engine, thing } = await gated(t)
  thing.open()
  const here = engine.decideHere
  t.match(await here(say, { scope, input: [create('thing', 'a', {})] }), { type: 'decided' })
  await allSettled(engine)
  await engine.decide(say, { scope, input: [update('thing', 'a', { n: 1 })] })
  await pause(engine)
  t.match(await here(say, { scope, input: [update('thing', 'a', { n: 2 })] }), {
    type: 'refused',
    paused: true,
  })
  await engine.applyHere()
  await setAside(engine, 1)
  t.same(thing.begun(), ['create a'])
  await resume(engine)
  await engine.applyHere()
  await allSettled(engine)
})

t.test('what was set aside while somebody resumed is found by the next sweep', async (t) => {
  const { engine, thing } = await gated(t)
  thing.open()
  await engine.decide(say, { scope, input: [create('thing', 'a', {})] })
  await pause(engine)
  // As a claim leaves it whose work the one who resumed could not see from within his snapshot.
  await engine.sql`update foreword_private.entry set held = true, due_at = null`
  await engine.sql`update foreword_private.scope set version = version + 1 where scope = ${scope}`
  await engine.sql`update foreword_private.pause set resumed_at = now()`
  await testWorker(t, engine)
  t.match(await allSettled(engine), [{ state: 'confirmed' }])
})

t.test('what went stale in a paused scope is decided again once it goes on', async (t) => {
  const make = defineDecider({
    name: 'make',
    version: 1,
    read: (q) => ({ a: q.get('thing', 'a') }),
    decide: ({ a }) => create('thing', 'c', { upon: a?.version ?? 0 }),
  })
  const thing = gate('thing')
  const { url } = await testEngine(t)
  const engine = engineOn(
    t,
    url,
    testConfig(url, { providers: [thing.provider], deciders: [make] }),
  )
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: [create('thing', 'a', {})] })
  await eventually('it is called', () => thing.begun().length === 1)
  t.match(await engine.decide(make, { scope, input: undefined }), { type: 'decided' })
  await pause(engine)
  thing.refuse('create a')
  thing.open()
  const again = async (): Promise<unknown> => {
    const rows = await engine.sql<{ again: string }[]>`
      select decided_again as again from foreword.decision where decided_again is not null`
    return rows[0]?.again
  }
  await eventually('it is stale', again)
  // Sweeps come each 200 ms: a worker that did not wait for the pause would be refused by now, for good.
  await eventually('some sweeps have passed', async () => {
    const rows = await engine.sql`
      select from foreword_private.again where since < clock_timestamp() - interval '1 s'`
    return rows.length > 0
  })
  t.equal(await again(), 'due')
  t.match(await engine.sql`select tries from foreword_private.again`, [{ tries: 0 }], 'and waits')
  // Over a weekend.
  await engine.sql`update foreword_private.again set since = since - interval '3 days'`
  await resume(engine)
  await eventually('it was decided again', async () => (await again()) === 'decided')
  await allSettled(engine)
})

t.test(
  'what undoes a decision is decided in a paused scope, and begun once it goes on',
  async (t) => {
    const saga = defineDecider({
      name: 'saga',
      version: 1,
      compensation: 'all_or_compensate',
      read: () => ({}),
      decide: () => [create('thing', 'a', {}), create('thing', 'b', {}, { needs: ['thing/a'] })],
    })
    const { engine, thing } = await gated(t)
    await testWorker(t, engine)
    thing.let('create a')
    await engine.decide(saga, { scope, input: undefined })
    await eventually('both were called', () => thing.begun().length === 2)
    await pause(engine)
    thing.refuse('create b')
    thing.open()
    await setAside(engine, 1)
    t.same(
      await engine.sql`
      select i.verb, i.name, d.decider, i.state
      from foreword.intent i
      join foreword.decision d on d.id = i.decision_id
      where i.settled_at is null`,
      [{ verb: 'delete', name: 'a', decider: 'foreword/compensate', state: 'pending' }],
    )
    await resume(engine)
    await allSettled(engine)
    t.same(thing.begun(), ['create a', 'create b', 'delete a'])
  },
)

t.test('the backlog of a paused scope costs a claim nothing', async (t) => {
  const { engine, url } = await testEngine(t, { providers: [gate('thing').provider] })
  const many = (at: string, from: number, count: number) =>
    engine.decide(say, {
      scope: at,
      input: Array.from({ length: count }, (_, i) => create('thing', `t-${from + i}`, {})),
    })
  for (let from = 0; from < 3_000; from += 500) await many(scope, from, 500)
  await many('other', 0, 50)
  await pause(engine)
  const sql = connectSql({ url, application_name: 'test', max: 1 })
  t.teardown(() => sql.end({ timeout: 5 }))
  const log = applyLog(sql)
  const kinds = [{ kind: 'thing', slots: 16, timeout_ms: 5_000 }]
  const read = async (): Promise<number> => {
    const [row] = await sql<{ read: number }[]>`
      select sum(coalesce(s.idx_tup_fetch, 0) + s.seq_tup_read)::double precision as read
      from pg_stat_xact_user_tables s
      where s.schemaname = 'foreword_private'`
    return row?.read ?? 0
  }
  const leases = await log.claim(1, kinds)
  t.same([...new Set(leases.map((l) => l.scope))], ['other'], 'it is passed over')
  await setAside(engine, 3_000)
  await sql`begin`
  const before = await read()
  t.equal((await log.claim(1, kinds)).length, 16)
  const rows = (await read()) - before
  await sql`commit`
  t.ok(rows < 20 * 16, `${rows} rows were read for 16 intents`)
})

t.test(
  'however often a scope is paused under its workers, each intent is carried out once',
  async (t) => {
    const { engine, url, cloud, providers } = await cloudWorld(t)
    const second = engineOn(t, url, testConfig(url, { providers }))
    await testWorker(t, engine)
    await testWorker(t, second)
    const names = Array.from({ length: 60 }, (_, i) => `vm-${i}`)
    let decided = 0
    for (const [i, name] of names.entries()) {
      const input = [create('vm', name, { size: 's' })]
      const { type } = await engine.decide(say, { scope, input })
      if (type === 'decided') decided += 1
      const step = i % 2 === 0 ? 'pause' : 'resume'
      await (step === 'pause' ? pause(engine) : resume(engine))
    }
    await resume(engine)
    t.ok(decided > 0 && decided < names.length)
    t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
    t.match(await ledgerOf(cloud), { effects: decided, distinct_intents: decided, max: 1 })
    t.same(await engine.sql`select from foreword_private.entry where held`, [])
  },
)
