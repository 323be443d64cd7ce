import t from 'tap'
import {
  act,
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import { testEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'

interface Apple {
  readonly name: string
  readonly taste: 'good' | 'throws' | 'nonsense' | 'refuses'
}

const pick = defineDecider({
  name: 'pick',
  version: 1,
  read: (q, input: Apple) => ({ mine: q.get('apple', input.name) }),
  decide: ({ mine }, input) => {
    if (input.taste === 'throws') throw new Error('a worm')
    if (input.taste === 'refuses') return refuse('unripe')
    if (input.taste === 'nonsense') return update('apple', input.name, {})
    return mine === null ? create('apple', input.name, {}) : update('apple', input.name, {})
  },
})

const increment = defineDecider({
  name: 'increment',
  version: 1,
  read: (q) => ({ it: q.get('number', 'it') }),
  decide: ({ it }) =>
    it === null
      ? create('number', 'it', { value: 1 })
      : update('number', 'it', { value: (it.state as { readonly value: number }).value + 1 }),
})

const take = defineDecider({
  name: 'take',
  version: 1,
  read: (q) => ({ cores: q.counter('cores') }),
  decide: ({ cores }, input: { readonly name: string }) =>
    cores + 4 > 20 ? refuse('full') : create('vm', input.name, {}, { counters: { cores: 4 } }),
})

/** Transactions that wrote decisions. */
const transactions = `select count(distinct xid::text)::integer as n from foreword_private.decision`

t.test(
  'independent decisions of one moment share a transaction, each with its own id',
  async (t) => {
    const { engine } = await testEngine(t)
    const names = Array.from({ length: 32 }, (_, i) => `a${i}`)
    const run = () =>
      Promise.all(
        names.map((name) => engine.decide(pick, { scope, input: { name, taste: 'good' } })),
      )
    await run()
    const results = await run()
    t.ok(results.every((r) => r.type === 'decided' && r.intents.length === 1))
    const ids = new Set(results.map((r) => r.type === 'decided' && r.decision))
    t.equal(ids.size, 32)
    const [row] = await engine.sql.unsafe<{ n: number }[]>(transactions)
    t.ok((row?.n ?? 99) < 64, 'fewer transactions than decisions')
    t.same(await engine.sql`select distinct premises, intents from foreword.decision`, [
      { premises: 1, intents: 1 },
    ])
  },
)

t.test('one bad apple fails nobody else', async (t) => {
  const { engine } = await testEngine(t)
  const tastes = ['good', 'throws', 'good', 'nonsense', 'refuses', 'good'] as const
  const results = await Promise.allSettled(
    tastes.map((taste, i) => engine.decide(pick, { scope, input: { name: `a${i}`, taste } })),
  )
  t.same(
    results.map((r) => (r.status === 'rejected' ? 'threw' : r.value.type)),
    ['decided', 'threw', 'decided', 'invalid', 'refused', 'decided'],
  )
})

t.test('deciders that meet do not share what the other has not seen', async (t) => {
  const { engine } = await testEngine(t, { limits: { ...defaultLimits, decide_tries_max: 100 } })
  const results = await Promise.all(
    Array.from({ length: 25 }, () => engine.decide(increment, { scope, input: undefined })),
  )
  t.ok(results.every((r) => r.type === 'decided'))
  t.same(await engine.sql`select version, assumed from foreword.resource`, [
    { version: 25, assumed: { value: 25 } },
  ])
})

t.test(
  'deciders of one moment that meet decide one after the other, in one transaction',
  async (t) => {
    const { engine } = await testEngine(t)
    await engine.decide(increment, { scope, input: undefined })
    const results = await Promise.all(
      Array.from({ length: 8 }, () => engine.decide(increment, { scope, input: undefined })),
    )
    t.ok(results.every((r) => r.type === 'decided' && r.tries === 1))
    t.same(await engine.sql`select version, assumed from foreword.resource`, [
      { version: 9, assumed: { value: 9 } },
    ])
    const decisions = await engine.sql<{ read: number; wrote: number; xid: string }[]>`
    select d.premise_versions[1]::integer as read, e.version as wrote, d.xid::text as xid
    from foreword_private.decision d
    join foreword_private.entry e on e.decision = d.id
    order by e.version`
    t.ok(
      decisions.every((d) => d.read === d.wrote - 1),
      'each relied on the version before its own',
    )
    t.ok(new Set(decisions.map((d) => d.xid)).size < 9, 'and some shared a transaction')
  },
)

t.test('whoever waits for a row that somebody holds, holds up nobody else', async (t) => {
  // One try: behind the holder it is given up after lock_timeout, and whoever had to wait for that is told apart.
  const limits = { ...defaultLimits, decide_tries_max: 1 }
  const { engine } = await testEngine(t, { limits })
  const names = ['held', 'free', 'other']
  const update_of = (name: string) => engine.decide(pick, { scope, input: { name, taste: 'good' } })
  for (const name of names) await update_of(name)
  const holder = await engine.sql.reserve()
  await holder`begin isolation level serializable`
  await holder`
    update foreword_private.resource_state set labels = labels
    where resource = foreword_code.resource_id(${scope}, 'apple', 'held')`
  const waiting = update_of('held')
  await eventually('the held one waits', async () => {
    const rows = await engine.sql`
      select from pg_stat_activity
      where application_name = 'foreword:decide' and wait_event_type = 'Lock'`
    return rows.length > 0
  })
  let ended = false
  void waiting.then(() => (ended = true))
  for (const name of ['free', 'other'])
    t.match(await update_of(name), { type: 'decided', tries: 1 })
  t.notOk(ended, 'it still waits')
  await holder`rollback`
  holder.release()
  t.match(await waiting, { type: 'decided' })
})

t.test('a counter is never overdrawn, however many want of it at once', async (t) => {
  const { engine } = await testEngine(t, { limits: { ...defaultLimits, decide_tries_max: 100 } })
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      engine.decide(take, { scope, input: { name: `vm-${i}` } }),
    ),
  )
  t.equal(results.filter((r) => r.type === 'decided').length, 5)
  t.equal(results.filter((r) => r.type === 'refused').length, 15)
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 20 }])
})

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})

t.test('two decisions of one moment never come to wait for each other', async (t) => {
  const { engine } = await testEngine(t)
  const act = (...drafts: readonly IntentDraft[]) =>
    engine.decide(say, { scope, input: { drafts } })
  await act(create('zone', 'z', {}), create('record', 'r', {}))
  const results = await Promise.all([
    act(update('record', 'r', {}, { needs: ['zone/z'] })),
    act(remove('zone', 'z', { needs: ['record/r'] })),
  ])
  t.ok(results.every((r) => r.type === 'decided'))
  const circles = await engine.sql`
    select a.id, b.id
    from foreword_private.entry a
    join foreword_private.entry b on b.id <> a.id
    where
      exists (
        select from unnest(a.after_resources, a.after_versions) as x (resource, version)
        where x.resource = b.resource and x.version >= b.version
      )
      and exists (
        select from unnest(b.after_resources, b.after_versions) as x (resource, version)
        where x.resource = a.resource and x.version >= a.version
      )`
  t.same(circles, [])
})

t.test('what a decider writes into its facts is seen by nobody else', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(increment, { scope, input: undefined })
  const spoil = defineDecider({
    name: 'spoil',
    version: 1,
    read: (q) => ({ it: q.get('number', 'it') }),
    decide: ({ it }) => {
      Object.assign(it?.state as object, { value: 41 })
      Object.assign(it?.labels as object, { spoiled: 'yes' })
      return refuse('it was only to be looked at')
    },
  })
  const [spoiled, decided] = await Promise.all([
    engine.decide(spoil, { scope, input: undefined }),
    engine.decide(increment, { scope, input: undefined }),
  ])
  t.match([spoiled, decided], [{ type: 'refused' }, { type: 'decided', tries: 1 }])
  t.same(await engine.sql`select version, assumed, labels from foreword.resource`, [
    { version: 2, assumed: { value: 2 }, labels: {} },
  ])
})

t.test('what only a neighbour has read was not read', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(increment, { scope, input: undefined })
  const look = defineDecider({
    name: 'look',
    version: 1,
    read: (q) => ({ it: q.get('number', 'it') }),
    decide: () => refuse('only looking'),
  })
  const blind = defineDecider({
    name: 'blind',
    version: 1,
    read: () => ({}),
    decide: () => act('number', 'it', 'roll'),
  })
  const results = await Promise.all([
    engine.decide(look, { scope, input: undefined }),
    engine.decide(blind, { scope, input: undefined }),
  ])
  t.match(results, [{ type: 'refused' }, { type: 'invalid', sqlstate: 'FW020' }])
})
