/**
 * The law: a database that goes away and comes back, as in a failover, costs no answer that a process has. What calls
 * were answered meanwhile is written when it is back, and nobody is asked about a call that was answered.
 */
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { defaultLimits } from '../../src/domain/config.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied } from '../../src/domain/provider.ts'
import { codeOf, connectSql } from '../../src/store/connect.ts'
import { bench, recordStack, type Bench } from '../cli/harness.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn, testEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { heldProxy } from '../support/held-proxy.ts'
import { outageProxy } from '../support/outage-proxy.ts'
import { testConfig } from '../support/settings.ts'
import { thingProvider } from '../support/thing-provider.ts'
import { confirmedOf, startWorker, within } from './worker-command.ts'

const deadline_ms = 30_000

/** A worker with so many calls open that cannot be looked up; its way to the database can be cut. */
const working = async (
  t: Test,
  intents: number,
  limits: string,
  who: 'worker' | 'wait' = 'worker',
) => {
  const b = await bench(t, {
    config: `
      providers: [
        simulatedCloud({ url, traits: { ...traits, idempotency: 'none', call_timeout_ms: 60000 } }),
      ],
      limits: { ${limits} }`,
  })
  const proxy = await outageProxy(t, b.database.url)
  const api = await heldProxy(t, b.cloud)
  const env = { FOREWORD_DATABASE_URL: proxy.url, CLOUD_URL: api.url }
  const stack = await b.write('s.json', recordStack(intents))
  const waiting = who === 'wait' ? b.start(['apply', '-f', stack, '--wait=120'], { env }) : null
  const worker = waiting ?? (await startWorker(b, env))
  if (waiting === null) await b.foreword(['apply', '-f', stack])
  await eventually('its calls are open', () => api.held() === intents, { deadline_ms })
  return { b, proxy, api, worker }
}

const writesWhatItHeard = async (t: Test, shutDown: (b: Bench) => Promise<unknown>) => {
  const { b, proxy, api, worker } = await working(t, 5, 'sweep_interval_ms: 200')
  await shutDown(b)
  await proxy.cut()
  api.release()
  const unwritten = () => /outcomes not written yet/.exec(worker.told())
  await eventually('answers wait for the database', unwritten, { deadline_ms })
  await proxy.mend()
  const ended = await within(worker.ended, 2 * deadline_ms)
  t.equal(ended.code, 1)
  t.match(ended.stderr, /^foreword: (?:the worker has ended|cannot reach the database): /m)
  t.match(
    await b.database.sql`
      select i.state, a.outcome, a.error
      from foreword.intent i
      join foreword.attempt a on a.intent_id = i.id`,
    Array.from({ length: 5 }, () => ({ state: 'applied', outcome: 'applied', error: null })),
  )
  const successor = await startWorker(b)
  await eventually('confirmed', async () => (await confirmedOf(b)) === 5, { deadline_ms })
  t.equal((await b.ledger()).length, 5)
  t.same(await b.database.sql`select from foreword.ruling`, [])
  successor.child.kill('SIGTERM')
  await successor.ended
}

t.test('a worker whose way to the database is cut writes what its calls were answered', (t) =>
  writesWhatItHeard(t, () => Promise.resolve()),
)

t.test('and so does one whose server is shut down', (t) =>
  writesWhatItHeard(
    t,
    ({ database }) => database.sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where
        datname = current_database()
        and pid <> pg_backend_pid()
        and application_name not like 'test:%'`,
  ),
)

t.test('a command that carries out while it waits does so too', async (t) => {
  const { b, proxy, api, worker } = await working(t, 3, 'sweep_interval_ms: 200', 'wait')
  await proxy.cut()
  api.release()
  const unwritten = () => /outcomes not written/.exec(worker.told())
  await eventually('answers wait for the database', unwritten, { deadline_ms })
  await proxy.mend()
  const ended = await within(worker.ended, 2 * deadline_ms)
  t.equal(ended.code, 1)
  t.match(
    await b.database.sql`select state from foreword.intent`,
    Array.from({ length: 3 }, () => ({ state: 'applied' })),
  )
})

t.test('a database that stays away is not waited for without end', async (t) => {
  const { b, proxy, api, worker } = await working(
    t,
    1,
    'sweep_interval_ms: 200, keep_answers_ms: 1000',
  )
  await proxy.cut()
  api.release()
  const ended = await within(worker.ended, 2 * deadline_ms)
  t.equal(ended.code, 1)
  t.match(ended.stderr, /outcomes not written/)
  t.match(ended.stderr, /^foreword: the worker has ended: .+start it again/m)
  const successor = await startWorker(b)
  const asked = async () => {
    const [row] = await b.database.sql`select from foreword.doubt where waits_for_a_person`
    return row
  }
  await eventually('a person is asked', asked, { deadline_ms })
  successor.child.kill('SIGTERM')
  await successor.ended
})

const made = defineDecider({
  name: 'made',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('thing', name, { size: 1 }),
})

t.test('a program that applies here writes it too, and goes on', async (t) => {
  const begun: string[] = []
  const warned: string[] = []
  let answer = (): void => undefined
  const held = new Promise<void>((resolve) => (answer = resolve))
  const provider = thingProvider({
    traits: { idempotency: 'none', call_timeout_ms: 60_000 },
    create: async (call) => {
      begun.push(call.name)
      if (call.name === 'a') await held
      return applied(call.spec as Json)
    },
  })
  const { engine: beside, url } = await testEngine(t)
  const proxy = await outageProxy(t, url)
  const warn = (_of: object, message: string): void => void warned.push(message)
  const logger = { info: () => undefined, warn, error: warn }
  const config = testConfig(proxy.url, { providers: [provider] })
  const engine = engineOn(t, proxy.url, config, 'test', { logger })
  await engine.decideHere(made, { scope: 'acme', input: 'a' })
  await eventually('its call is open', () => begun.length === 1)
  await proxy.cut()
  answer()
  await eventually('its answer cannot be written', () =>
    warned.some((message) => message.startsWith('outcomes not written yet')),
  )
  await proxy.mend()
  const settled = (count: number) =>
    eventually(`${count} settled`, async () => {
      const rows = await beside.sql`select from foreword.intent where state = 'confirmed'`
      return rows.length === count
    })
  await settled(1)
  await engine.decideHere(made, { scope: 'acme', input: 'b' })
  await settled(2)
  t.same(begun, ['a', 'b'])
  t.match(await beside.sql`select outcome, error from foreword.attempt`, [
    { outcome: 'applied', error: null },
    { outcome: 'applied', error: null },
  ])
  await engine.close()
})

t.test('a program that is told to close does not wait for a database that is away', async (t) => {
  const begun: string[] = []
  const warned: string[] = []
  let answer = (): void => undefined
  const held = new Promise<void>((resolve) => (answer = resolve))
  const provider = thingProvider({
    traits: { idempotency: 'none', call_timeout_ms: 60_000 },
    create: async (call) => {
      begun.push(call.name)
      if (call.name === 'a') await held
      return applied(call.spec as Json)
    },
  })
  const { engine: beside, url } = await testEngine(t)
  const proxy = await outageProxy(t, url)
  const warn = (_of: object, message: string): void => void warned.push(message)
  const logger = { info: () => undefined, warn, error: warn }
  const config = testConfig(proxy.url, {
    providers: [provider],
    limits: {
      ...defaultLimits,
      sweep_interval_ms: 200,
      drain_timeout_ms: 500,
      keep_answers_ms: 25_000,
    },
  })
  const engine = engineOn(t, proxy.url, config, 'test', { logger })
  await engine.decideHere(made, { scope: 'acme', input: 'a' })
  await eventually('its call is open', () => begun.length === 1)
  await proxy.cut()
  answer()
  await eventually('its answer cannot be written', () =>
    warned.some((message) => message.startsWith('outcomes not written yet')),
  )
  const closed = engine.close().then(() => 'closed')
  t.equal(await Promise.race([closed, pause(15_000, 'waits', { ref: false })]), 'closed')
  await proxy.mend()
  const found = await beside.sql`select from foreword.attempt`
  t.equal(found.length, begun.length)
})

t.test('whoever asks in vain hears so soon each time, and soon of its return', async (t) => {
  const { url } = await testDatabase(t)
  const proxy = await outageProxy(t, url)
  const sql = connectSql({ url: proxy.url, application_name: 'foreword:test', max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  const hung = pause(deadline_ms, 'hung', { ref: false })
  const ask = () =>
    Promise.race([
      sql`select 1`.then(() => 'answered').catch((error: unknown) => codeOf(error)),
      hung,
    ])
  t.equal(await ask(), 'answered')
  await proxy.cut()
  const heard: string[] = []
  // The driver's own waits add up to a minute by then.
  for (let i = 0; i < 14; i++) heard.push(await ask())
  t.notOk(heard.includes('answered') || heard.includes('hung'), heard.join(' '))
  await proxy.mend()
  await eventually('answered', async () => (await ask()) === 'answered')
})
