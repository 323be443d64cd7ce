/** What /metrics says: held against what was really done, on a real database. */
import t from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider, refuse } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, rejected } from '../../src/domain/provider.ts'
import { of_database, of_process, families } from '../../src/telemetry/families.ts'
import { metricsReads } from '../../src/store/metrics-reads.ts'
import { bounded } from '../../src/telemetry/bounded.ts'
import { testDatabase } from '../support/database.ts'
import { allSettled, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { loginAs } from '../support/login.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { silentProxy } from '../support/silent-proxy.ts'
import { get, measured, sample, serve } from './support.ts'

const refusing = defineDecider({
  name: 'refusing',
  version: 1,
  read: () => ({}),
  decide: () => refuse('always'),
})

const throwing = defineDecider({
  name: 'throwing',
  version: 1,
  read: () => ({}),
  decide: () => {
    throw new Error('a bug')
  },
})

t.test('what was decided, called and settled is what is counted', async (t) => {
  const provider = scriptedProvider({
    traits: { idempotency: 'none' },
    call: (call) => {
      if (call.name === 'lost') return Promise.reject(new Error('connection reset'))
      if (call.name === 'refused') return Promise.resolve(rejected('no'))
      return Promise.resolve(applied(call.spec as Json))
    },
  })
  const { engine, scrape } = await measured(t, { providers: [provider] })
  const drafts = ['a', 'b', 'lost', 'refused'].map((name) => create('thing', name, { size: 1 }))
  for (const draft of drafts)
    await engine.decide(say, { scope: 'acme', input: { drafts: [draft] } })
  await engine.decide(refusing, { scope: 'acme', input: undefined })
  await t.rejects(engine.decide(throwing, { scope: 'acme', input: undefined }), /a bug/)

  await t.test('before a worker comes it is backlog', async (t) => {
    const text = await scrape()
    t.equal(sample(text, 'foreword_up'), 1)
    t.equal(sample(text, 'foreword_backlog_intents{kind="thing",state="pending"}'), 4)
    t.ok(
      (sample(text, 'foreword_backlog_oldest_age_seconds{kind="thing",state="pending"}') ?? -1) >=
        0,
    )
    t.equal(sample(text, 'foreword_live_workers'), 0)
    t.ok((sample(text, 'foreword_overdue_seconds') ?? 0) > 0)
    t.equal(sample(text, 'foreword_decisions_total{decider="say",outcome="decided"}'), 4)
    t.equal(sample(text, 'foreword_decisions_total{decider="refusing",outcome="refused"}'), 1)
    t.equal(sample(text, 'foreword_decisions_total{decider="throwing",outcome="error"}'), 1)
    t.equal(sample(text, 'foreword_decision_tries_count{outcome="decided"}'), 4)
    t.equal(sample(text, 'foreword_decision_duration_seconds_count{outcome="decided"}'), 4)
    t.ok((sample(text, 'foreword_ssi_margin_commits') ?? 0) > 0)
    t.ok((sample(text, 'foreword_database_commits_total') ?? 0) > 0)
  })

  await testWorker(t, engine)
  await eventually('one is parked, the others are settled', async () => {
    const [row] = await engine.sql<{ open: number; parked: number }[]>`
      select
        count(*) filter (where settled_at is null)::integer as open,
        count(*) filter (where state = 'in_doubt' and due_at is null)::integer as parked
      from foreword.intent`
    return row?.open === 1 && row.parked === 1
  })
  const text = await eventually('a reading that is fresh', async () => {
    const now = await scrape()
    return sample(now, 'foreword_parked_intents') === 1 ? now : null
  })
  t.equal(sample(text, 'foreword_calls_total{kind="thing",verb="create",answer="applied"}'), 2)
  t.equal(sample(text, 'foreword_calls_total{kind="thing",verb="create",answer="rejected"}'), 1)
  t.equal(sample(text, 'foreword_calls_total{kind="thing",verb="create",answer="failed"}'), 1)
  t.equal(sample(text, 'foreword_call_duration_seconds_count{kind="thing",verb="create"}'), 4)
  t.equal(sample(text, 'foreword_steps_total{kind="thing",step="apply",state="confirmed"}'), 2)
  t.equal(sample(text, 'foreword_steps_total{kind="thing",step="apply",state="in_doubt"}'), 1)
  t.equal(sample(text, 'foreword_steps_total{kind="thing",step="apply",state="rejected"}'), 1)
  t.equal(sample(text, 'foreword_running_steps'), 0)
  t.equal(sample(text, 'foreword_live_workers'), 1)
  t.equal(sample(text, 'foreword_live_workers_by_version{version="1.2.3"}'), 1)
  t.equal(sample(text, 'foreword_backlog_intents{kind="thing",state="in_doubt"}'), 1)
  t.equal(sample(text, 'foreword_backlog_intents{kind="thing",state="pending"}'), undefined)
  const claimed = sample(text, 'foreword_claim_intents_sum') ?? 0
  t.ok(claimed >= 4, `every intent was claimed: ${claimed}`)
  t.ok((sample(text, 'foreword_settle_intents_sum') ?? 0) >= 4)
  t.ok((sample(text, 'nodejs_eventloop_lag_mean_seconds') ?? -1) >= 0, 'and what Node says')
})

t.test('everything that is there has its help and its type, and is in the list', async (t) => {
  const { scrape } = await measured(t)
  const text = await scrape()
  const helped = new Map(
    [...text.matchAll(/^# HELP (foreword_\w+) (.+)$/gm)].map(([, name, help]) => [name, help]),
  )
  const typed = new Map(
    [...text.matchAll(/^# TYPE (foreword_\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]),
  )
  t.strictSame([...helped.keys()].toSorted(), families.map(({ name }) => name).toSorted())
  for (const { name, help, type } of families) {
    t.equal(helped.get(name), help, name)
    t.equal(typed.get(name), type, name)
    t.match(help, /\.$/, `${name} is explained by a sentence`)
    t.equal(type === 'counter', name.endsWith('_total'), `${name}: counters end in _total`)
  }
  t.equal(new Set(families.map(({ name }) => name)).size, families.length)
})

t.test('when the database is gone, what this process counted is told all the same', async (t) => {
  const { url } = await testDatabase(t)
  const proxy = await silentProxy(t, url)
  const { engine, scrape, silences } = await measured(t, {}, proxy.url)
  await engine.decide(refusing, { scope: 'acme', input: undefined })
  t.equal(sample(await scrape(), 'foreword_up'), 1)
  proxy.fallSilent()
  const text = await eventually(
    'it is found out',
    async () => {
      const now = await scrape()
      return sample(now, 'foreword_up') === 0 ? now : null
    },
    { deadline_ms: 30_000 },
  )
  t.equal(sample(text, 'foreword_decisions_total{decider="refusing",outcome="refused"}'), 1)
  for (const { name } of Object.values(of_database)) {
    t.notOk(text.includes(name), `${name} is not told: 0 would be a lie`)
  }
  for (const { name } of Object.values(of_process)) t.ok(text.includes(name), name)
  await scrape()
  t.equal(silences.length, 1, 'said once, not with every scrape')
})

t.test('however many scrape at once, the database is read once', async (t) => {
  const { scrape } = await measured(t)
  const texts = await Promise.all(Array.from({ length: 50 }, () => scrape()))
  const durations = texts.map((text) => sample(text, 'foreword_database_reading_seconds'))
  t.equal(new Set(durations).size, 1, 'all were given the same reading')
})

t.test('names from outside make a hundred series at most, the others are one', async (t) => {
  const name = bounded()
  for (let i = 0; i < 1_000; i++) name(`n${i}`)
  t.equal(name('n99'), 'n99')
  t.equal(name('n100'), 'other')
  const many = Array.from({ length: 150 }, (_, i) => `k${i}`)
  const { engine, scrape } = await measured(t, {
    providers: many.map((kind) => ({ ...scriptedProvider({}), kind })),
  })
  const drafts = many.map((kind) => create(kind, 'x', { size: 1 }))
  await engine.decide(say, { scope: 'acme', input: { drafts } })
  const text = await scrape()
  const kinds = [...text.matchAll(/^foreword_backlog_intents\{kind="(\w+)"/gm)].map(([, k]) => k)
  t.equal(kinds.length, 101)
  t.equal(sample(text, 'foreword_backlog_intents{kind="other",state="pending"}'), 50)
})

t.test('names that are hostile stay inside of their quotes', async (t) => {
  const kind = 'thing'
  const { engine, scrape } = await measured(t, { providers: [scriptedProvider({})] })
  const decider = defineDecider({
    name: 'say "it"\nforeword_up 7 \\',
    version: 1,
    read: () => ({}),
    decide: () => create(kind, 'x', { size: 1 }),
  })
  await engine.decide(decider, { scope: 'acme', input: undefined })
  const text = await scrape()
  t.equal(sample(text, 'foreword_up'), 1)
  t.ok(text.includes('decider="say \\"it\\"\\nforeword_up 7 \\\\"'))
})

t.test('a reconcile is counted, with what it looked at and what had drifted', async (t) => {
  let size = 1
  const provider = scriptedProvider({
    traits: { idempotency: 'natural' },
    read: () => Promise.resolve({ state: { size } }),
  })
  const { engine, scrape } = await measured(t, { providers: [provider] })
  await testWorker(t, engine)
  await engine.decide(say, {
    scope: 'acme',
    input: { drafts: [create('thing', 'a', { size: 1 })] },
  })
  await allSettled(engine)
  size = 2
  await engine.reconcile({ scope: 'acme' })
  const text = await scrape()
  t.equal(sample(text, 'foreword_reconciles_total{outcome="done"}'), 1)
  t.equal(sample(text, 'foreword_looked_resources_total{outcome="counted"}'), 1)
  t.equal(sample(text, 'foreword_drifts_found_total'), 1)
  t.ok((sample(text, 'foreword_calls_total{kind="thing",verb="read",answer="looked"}') ?? 0) >= 1)
})

t.test('a login that may only read the views can be scraped', async (t) => {
  const db = await testDatabase(t)
  const { sql } = await loginAs(t, db, ['foreword_reader'])
  const { server, paused } = await metricsReads(sql)()
  t.ok(server.ssi_margin > 0)
  t.match(paused, { scopes: 0, intents: 0 })
})

t.test('a program that connects is given the text for its own server', async (t) => {
  const { url } = await testDatabase(t)
  const counting = await connect({ database: url, metrics: {} })
  t.teardown(counting.close)
  await counting.decide(refusing, { scope: 'acme' })
  const text = await counting.metrics()
  t.equal(sample(text, 'foreword_decisions_total{decider="refusing",outcome="refused"}'), 1)
  const plain = await connect({ database: url })
  t.teardown(plain.close)
  await t.rejects(plain.metrics(), { message: 'nothing is counted', where: 'metrics' })
})

t.test('the port of /metrics', async (t) => {
  t.test('answers a scraper, and nothing else', async (t) => {
    const { port } = await serve(t)
    const got = await get(port, '/metrics')
    t.equal(got.status, 200)
    t.equal(got.type, 'text/plain; version=0.0.4; charset=utf-8')
    t.equal(got.text, 'foreword_up 1\n')
    t.equal((await get(port, '/')).status, 404)
    t.equal((await get(port, '/healthz')).status, 404)
    t.equal((await get(port, '/metrics', {}, 'POST')).status, 405)
    t.equal((await get(port, '/metrics', {}, 'HEAD')).status, 200)
  })

  t.test('on loopback, refuses names that are not this machine’s', async (t) => {
    const { port } = await serve(t)
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1:1']) {
      const { status, text } = await get(port, '/metrics', { host })
      t.equal(status, 421, host)
      t.notMatch(text, /foreword_up/)
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      t.equal((await get(port, '/metrics', { host })).status, 200, host)
    }
  })

  t.test('bound to every network, answers by whatever name it is known', async (t) => {
    const { port } = await serve(t, { host: '0.0.0.0' })
    t.equal((await get(port, '/metrics', { host: 'worker-3.jobs.svc:9100' })).status, 200)
  })

  t.test('with a token, asks for it', async (t) => {
    const { port } = await serve(t, { token: () => 'right' })
    for (const authorization of ['', 'Bearer wrong', 'right', 'Basic cmlnaHQ=']) {
      const { status, text } = await get(port, '/metrics', { authorization })
      t.equal(status, 401, authorization)
      t.notMatch(text, /foreword_up/)
    }
    t.equal((await get(port, '/metrics', { authorization: 'Bearer right' })).status, 200)
  })

  t.test('a token that is gone lets nobody in', async (t) => {
    const token = (): string => {
      throw new Error('no such variable')
    }
    const { port } = await serve(t, { token })
    t.equal((await get(port, '/metrics', { authorization: 'Bearer right' })).status, 500)
  })

  t.test('when it is busy, says so and what to do', async (t) => {
    const { port } = await serve(t)
    await t.rejects(serve(t, { port }), {
      message: `port ${port} is busy`,
      where: `127.0.0.1:${port}`,
      remedy: /--metrics-port/,
    })
  })
})
