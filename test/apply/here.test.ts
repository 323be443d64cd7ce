import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied } from '../../src/domain/provider.ts'
import {
  allSettled,
  cloudWorld,
  engineOn,
  ledgerOf,
  testEngine,
  testWorker,
} from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { connectSql } from '../../src/store/connect.ts'
import { testConfig } from '../support/settings.ts'
import { thingProvider } from '../support/thing-provider.ts'

const scope = 'acme'

const one = defineDecider({
  name: 'one',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('vm', name, { size: 's' }),
})

const made = defineDecider({
  name: 'made',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('thing', name, { size: 1 }),
})

t.test('applied here: carried out once each, with no other worker and no wake-up', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const decide = engine.decideHere
  const names = Array.from({ length: 20 }, (_, i) => `vm-${i}`)
  await Promise.all(names.map((name) => decide(one, { scope, input: name })))
  const intents = await allSettled(engine)
  t.ok(intents.every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 20, distinct_intents: 20, max: 1 })
  const [jobs] = await engine.sql`
    select count(*)::integer as woken from graphile_worker.jobs where key = 'foreword_wake'`
  t.match(jobs, { woken: 0 })
})

t.test('applied here: what becomes due without a decision is seen to as well', async (t) => {
  let calls = 0
  const provider = thingProvider({
    traits: { idempotency: 'none' },
    create: (call) => {
      calls += 1
      return calls === 1
        ? Promise.reject(new Error('reset'))
        : Promise.resolve(applied(call.spec as Json))
    },
  })
  const { engine } = await testEngine(t, { providers: [provider] })
  await engine.decideHere(made, { scope, input: 'a' })
  const parked = await eventually('it is parked', async () => {
    const [row] = await engine.sql<{ id: number }[]>`
      select id from foreword.intent where state = 'in_doubt' and due_at is null`
    return row
  })
  // Nobody wakes a process that hears no hints.
  await engine.sql`select foreword.resolve(${parked.id}, 'retry', 'ann', 'it was not there')`
  t.match(await allSettled(engine), [{ name: 'a', state: 'confirmed' }])
})

t.test('a process that cannot apply tells the others', async (t) => {
  const { engine, url, providers } = await cloudWorld(t)
  // Its database takes no more workers: entering fails, and the decision stands.
  await engine.sql`create function refuse_worker() returns trigger language plpgsql
    as $$ begin raise exception 'no more workers'; end $$`
  await engine.sql`create trigger refuse_worker before insert on foreword_private.worker
    for each row when (new.version = 'refused') execute function refuse_worker()`
  const refused = engineOn(t, url, testConfig(url, { providers }), 'refused')
  const decided = await refused.decideHere(one, { scope, input: 'vm-1' })
  t.match(decided, { type: 'decided' })
  await testWorker(t, engine)
  t.match(await allSettled(engine), [{ name: 'vm-1', state: 'confirmed' }])
})

t.test('who leaves while a claim is on its way carries out what it is given', async (t) => {
  let calls = 0
  const provider = thingProvider({
    traits: { idempotency: 'none' },
    create: (call) => {
      calls += 1
      return Promise.resolve(applied(call.spec as Json))
    },
  })
  const { engine, url } = await testEngine(t, { providers: [provider] })
  const beside = connectSql({ url, application_name: 'beside', max: 2 })
  t.teardown(() => beside.end())
  const decide = engine.decideHere
  await decide(made, { scope, input: 'a' })
  await allSettled(engine)
  const holding = await beside.reserve()
  await holding`begin`
  await holding`lock table foreword_private.attempt in exclusive mode`
  await decide(made, { scope, input: 'b' })
  await eventually('a claim waits', async () => {
    const rows = await beside`
      select from pg_locks where relation = 'foreword_private.attempt'::regclass and not granted`
    return rows.length > 0
  })
  const left = engine.close()
  // Time enough for whoever does not wait to have left.
  await beside`select pg_sleep(0.3)`
  await holding`commit`
  holding.release()
  await left
  const intents = await beside`
    select i.name, i.state, a.outcome
    from foreword.intent i
    join foreword.attempt a on a.intent_id = i.id
    order by i.id`
  t.match(intents, [
    { name: 'a', state: 'confirmed', outcome: 'applied' },
    { name: 'b', state: 'confirmed', outcome: 'applied' },
  ])
  t.equal(calls, 2)
})

t.test(
  'who loses the lock of his worker lets end what he has in hand, and enters anew',
  async (t) => {
    const begun: string[] = []
    let answer = (): void => undefined
    const held = new Promise<void>((resolve) => (answer = resolve))
    const provider = thingProvider({
      traits: { idempotency: 'none' },
      create: async (call) => {
        begun.push(call.name)
        if (call.name === 'a') await held
        return applied(call.spec as Json)
      },
    })
    const { engine } = await testEngine(t, { providers: [provider] })
    await engine.decideHere(made, { scope, input: 'a' })
    await eventually('its call is open', () => begun.length === 1)
    const workers = () => engine.sql<{ alive: boolean }[]>`
    select w.alive from foreword.worker w order by w.id`
    t.match(await workers(), [{ alive: true }])
    await engine.sql`
    select pg_terminate_backend(a.pid)
    from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'foreword:presence'`
    await eventually('its lock is gone', async () => (await workers())[0]?.alive === false)
    // Nobody else applies, and nothing else is decided here.
    await engine.decide(made, { scope, input: 'b' })
    answer()
    const intents = await allSettled(engine)
    t.match(intents, [
      { name: 'a', state: 'confirmed' },
      { name: 'b', state: 'confirmed' },
    ])
    t.same(begun, ['a', 'b'])
    t.match(await workers(), [{ alive: false }, { alive: true }])
    await engine.close()
  },
)

t.test(
  'another release is deployed: what applied here lets its lock go, says so once, and decides nothing more',
  async (t) => {
    const { engine: beside, url } = await testEngine(t, { providers: [thingProvider()] })
    const lines: string[] = []
    const line = (_fields: unknown, message: string): void => void lines.push(message)
    const limits = { sweep_interval_ms: 50 }
    const config = testConfig(url, { providers: [thingProvider()] })
    const engine = engineOn(
      t,
      url,
      { ...config, limits: { ...config.limits, ...limits } },
      'here',
      { logger: { info: () => undefined, warn: line, error: line } },
    )
    await engine.decideHere(made, { scope, input: 'a' })
    t.match(await allSettled(engine), [{ name: 'a', state: 'confirmed' }])
    const { sql } = beside
    await sql`insert into foreword_private.deployment (version, hash, at)
      values ('99.0.0', 'theirs', clock_timestamp())`
    // What a release takes along: a function that this program calls.
    await sql`alter function foreword_code.claim rename to claim_of_99`
    await eventually('it lives no more', async () => {
      const rows = await sql`select from foreword.worker where alive`
      return rows.length === 0
    })
    const refused = await engine.decideHere(made, { scope, input: 'b' }).catch((e: unknown) => e)
    t.ok(refused instanceof ForewordError, String(refused))
    t.match(refused, {
      message: /another release/,
      where: /foreword_test/,
      remedy: /start it again/,
    })
    const said = lines.length
    await sql`select pg_sleep(0.5)`
    t.equal(lines.length, said, 'it claims no more')
    t.equal(
      lines.filter((l) => /migrated to another release.*start this program again/.test(l)).length,
      1,
    )
    t.match(await sql`select stopped_at is not null as stopped from foreword.worker`, [
      { stopped: true },
    ])
    // Whoever is of that release takes over.
    await sql`alter function foreword_code.claim_of_99 rename to claim`
    t.match(await engine.decide(made, { scope, input: 'b' }), { type: 'decided' })
    await testWorker(t, beside)
    t.match(await allSettled(beside), [{ name: 'a' }, { name: 'b', state: 'confirmed' }])
  },
)
