import { randomUUID } from 'node:crypto'
import t from 'tap'
import { defaultLimits } from '../../src/domain/config.ts'
import {
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { decide } from '../../src/decide/decide.ts'
import { moved_sqlstate } from '../../src/decide/think.ts'
import { conflict_sqlstates } from '../../src/domain/retry-policy.ts'
import { decisionStore } from '../../src/store/decision-store.ts'
import { openPools } from '../../src/store/pools.ts'
import { testEngine } from '../support/engine.ts'

const scope = 'acme/prod'

/** Adds a member while there are fewer than `max`; wants nothing of the others. */
const join = defineDecider({
  name: 'join',
  version: 1,
  read: (q) => ({ pool: q.find('vm', { role: 'web' }) }),
  decide: ({ pool }, input: { readonly name: string; readonly max: number }) =>
    pool.length >= input.max
      ? refuse('pool is full')
      : create('vm', input.name, { size: 'm' }, { labels: { role: 'web' } }),
})

const put = defineDecider({
  name: 'put',
  version: 3,
  read: (q, input: { readonly name: string; readonly size: string }) => ({
    vm: q.get('vm', input.name),
  }),
  decide: ({ vm }, input) =>
    vm === null
      ? create('vm', input.name, { size: input.size })
      : update('vm', input.name, { size: input.size }),
})

/** Returns whatever it is told to; reads nothing. */
const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})

t.test('what was decided is assumed by everyone who decides after it', async (t) => {
  const { engine } = await testEngine(t)
  const first = await engine.decide(put, { scope, input: { name: 'a', size: 's' } })
  const second = await engine.decide(put, { scope, input: { name: 'a', size: 'm' } })
  t.match(first, { type: 'decided', tries: 1, intents: [{ verb: 'create', version: 1 }] })
  t.match(second, { type: 'decided', intents: [{ verb: 'update', version: 2 }] })
  const [row] = await engine.sql`select version, assumed from foreword.resource`
  t.same(row, { version: 2, assumed: { size: 'm' } })
})

t.test('a decision records what it read, absence as version 0', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a', size: 's' } })
  await engine.decide(put, { scope, input: { name: 'a', size: 'm' } })
  const premises = await engine.sql`
    select p.version, p.holds
    from foreword.premise p
    join foreword.decision d on d.id = p.decision_id
    order by d.decided_at`
  t.same(premises, [
    { version: 0, holds: false },
    { version: 1, holds: false },
  ])
})

t.test(
  'of deciders that race for the last places exactly as many succeed as there are places',
  async (t) => {
    const { engine } = await testEngine(t, { limits: { ...defaultLimits, group_decisions_max: 1 } })
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        engine.decide(join, { scope, input: { name: `web-${i}`, max: 5 } }),
      ),
    )
    const count = (type: string) => results.filter((r) => r.type === type).length
    t.equal(count('decided'), 5)
    t.equal(count('refused') + count('gave_up'), 7)
    const [row] = await engine.sql<{ vms: number }[]>`
    select count(*)::integer as vms from foreword.resource where assumed is not null`
    t.equal(row?.vms, 5)
    const conflicts = await engine.sql`select sqlstate from foreword.conflict`
    t.ok(conflicts.length > 0, 'the aborted tries are counted')
  },
)

t.test('deciders on different resources never wait for or abort each other', async (t) => {
  const { engine } = await testEngine(t)
  const names = Array.from({ length: 40 }, (_, i) => `vm-${i}`)
  const results = await Promise.all(
    names.map((name) => engine.decide(put, { scope, input: { name, size: 's' } })),
  )
  t.ok(results.every((r) => r.type === 'decided'))
})

t.test('a refusal writes nothing', async (t) => {
  const { engine } = await testEngine(t)
  const result = await engine.decide(join, { scope, input: { name: 'web-0', max: 0 } })
  t.match(result, { type: 'refused', reason: 'pool is full', tries: 1 })
  t.same(await engine.sql`select from foreword.decision`, [])
})

t.test('a decider that intends nothing writes nothing', async (t) => {
  const { engine } = await testEngine(t)
  t.match(await engine.decide(say, { scope, input: { drafts: [] } }), { type: 'unchanged' })
  t.same(await engine.sql`select from foreword.decision`, [])
})

t.test('intents on names that were not read are recorded too', async (t) => {
  const { engine } = await testEngine(t)
  const drafts = [create('vm', 'unread', {}, { counters: { cores: 2 } })]
  t.match(await engine.decide(say, { scope, input: { drafts } }), { type: 'decided', tries: 1 })
  const [quota] = await engine.sql`select consumed from foreword_private.quota`
  t.same(quota, { consumed: 2 })
})

t.test('labels and what find reads move together', async (t) => {
  const { engine } = await testEngine(t)
  const find = defineDecider({
    name: 'find',
    version: 1,
    read: (q) => ({
      web: q.find('vm', { role: 'web' }),
      both: q.find('vm', { role: 'web', zone: 'b' }),
      all: q.find('vm'),
    }),
    decide: ({ web, both, all }) =>
      refuse([web, both, all].map((found) => found.map((a) => a.name).join('+')).join(' ')),
  })
  const found = async (): Promise<unknown> =>
    engine.decide(find, { scope, input: undefined }).then((r) => 'reason' in r && r.reason)
  const act = async (...drafts: readonly IntentDraft[]): Promise<void> => {
    t.match(await engine.decide(say, { scope, input: { drafts } }), { type: 'decided' })
  }
  await act(
    create('vm', 'a', {}, { labels: { role: 'web', zone: 'b' } }),
    create('vm', 'b', {}, { labels: { role: 'web' } }),
    create('vm', 'c', {}),
  )
  t.equal(await found(), 'a+b a a+b+c')
  await act(update('vm', 'a', {}, { labels: { role: 'db' } }), remove('vm', 'b'))
  t.equal(await found(), '  a+c')
})

t.test('counters move with what resources consume, and back when that shrinks', async (t) => {
  const { engine } = await testEngine(t)
  const consumed = async (): Promise<unknown> => {
    const [row] = await engine.sql`select consumed from foreword_private.quota`
    return row?.['consumed']
  }
  const act = (...drafts: readonly IntentDraft[]) =>
    engine.decide(say, { scope, input: { drafts } })
  await act(
    create('vm', 'a', {}, { counters: { cores: 4 } }),
    create('vm', 'b', {}, { counters: { cores: 2 } }),
  )
  t.equal(await consumed(), 6)
  await act(update('vm', 'a', {}, { counters: { cores: 1 } }))
  t.equal(await consumed(), 3)
  await act(remove('vm', 'b'))
  t.equal(await consumed(), 3, 'a deletion gives back once it is confirmed, not before')
})

const nonsense: readonly {
  readonly reason: string
  readonly drafts: readonly IntentDraft[]
  readonly sqlstate: string
}[] = [
  {
    reason: 'the same resource twice',
    drafts: [create('vm', 'a', {}), create('vm', 'a', {})],
    sqlstate: 'FW013',
  },
  { reason: 'an update of what is absent', drafts: [update('vm', 'a', {})], sqlstate: 'FW011' },
  { reason: 'a deletion of what is absent', drafts: [remove('vm', 'a')], sqlstate: 'FW011' },
  { reason: 'a state of null', drafts: [create('vm', 'a', null)], sqlstate: 'FW020' },
  { reason: 'NUL in a state', drafts: [create('vm', 'a', { x: 'a\u0000b' })], sqlstate: 'FW020' },
  { reason: 'half a character', drafts: [create('vm', 'a', { x: '\ud800' })], sqlstate: 'FW020' },
  {
    reason: 'ten megabytes of state',
    drafts: [create('vm', 'a', { x: 'x'.repeat(10_000_000) })],
    sqlstate: 'FW023',
  },
  { reason: 'an empty name', drafts: [create('vm', '', {})], sqlstate: 'FW025' },
  { reason: 'a line break in a name', drafts: [create('vm', 'a\nb', {})], sqlstate: 'FW025' },
  {
    reason: 'half a core',
    drafts: [create('vm', 'a', {}, { counters: { cores: 0.5 } })],
    sqlstate: 'FW024',
  },
]

t.test('what cannot be recorded is a result that says so, and leaves nothing', async (t) => {
  const { engine } = await testEngine(t)
  for (const { reason, drafts, sqlstate } of nonsense) {
    const result = await engine.decide(say, { scope, input: { drafts } })
    t.match(result, { type: 'invalid', sqlstate }, reason)
  }
  t.same(await engine.sql`select from foreword_private.decision`, [])
  t.same(await engine.sql`select from foreword_private.conflict`, [], 'and is not tried again')
})

const nonverdicts: readonly unknown[] = [
  undefined,
  null,
  42,
  'create',
  true,
  Promise.resolve([]),
  {},
  [null],
  [{ type: 'intent' }],
  { _tag: 'Left', left: 'no' },
  { _tag: 'Left' },
  { _tag: 'Right', right: 7 },
]

t.test('a decider that returns nonsense is told so, once, and nothing is written', async (t) => {
  const { engine } = await testEngine(t)
  for (const nonsense of nonverdicts) {
    let runs = 0
    const decider = defineDecider({
      name: 'odd',
      version: 1,
      read: (q) => ({ a: q.get('vm', 'a') }),
      decide: () => {
        runs += 1
        return nonsense as never
      },
    })
    const result = await engine.decide(decider, { scope, input: undefined })
    t.match(result, { type: 'invalid', sqlstate: 'FW029', reason: /decide of decider odd/ })
    t.equal(runs, 1)
  }
  for (const nonsense of [undefined, null, 7, { a: 7 }, { a: { type: 'select' } }]) {
    const decider = defineDecider({
      name: 'odd',
      version: 1,
      read: () => nonsense as never,
      decide: () => [],
    })
    const result = await engine.decide(decider, { scope, input: undefined })
    t.match(result, { type: 'invalid', sqlstate: 'FW029', reason: /read of decider odd/ })
  }
  t.same(await engine.sql`select from foreword.decision`, [])
})

t.test('SQL in a name is a name', async (t) => {
  const { engine } = await testEngine(t)
  const name = `'); drop table foreword_private.entry; --`
  await engine.decide(put, { scope, input: { name, size: 's' } })
  t.same(await engine.sql`select name from foreword.intent`, [{ name }])
})

t.test('what a decider throws reaches its caller, and nothing is written', async (t) => {
  const { engine } = await testEngine(t)
  const broken = defineDecider({
    name: 'broken',
    version: 1,
    read: (q) => ({ a: q.get('vm', 'a') }),
    decide: () => {
      throw new TypeError('a bug')
    },
  })
  await t.rejects(engine.decide(broken, { scope, input: undefined }), { message: 'a bug' })
  t.same(await engine.sql`select from foreword.decision`, [])
  const after = await engine.decide(put, { scope, input: { name: 'a', size: 's' } })
  t.match(after, { type: 'decided' }, 'and its connection is not poisoned')
})

t.test('a decider that cannot win gives up and says after how many tries', async (t) => {
  const { engine } = await testEngine(t, { limits: { ...defaultLimits, decide_tries_max: 2 } })
  const spoiled = defineDecider({
    name: 'spoiled',
    version: 1,
    read: (q) => ({ a: q.get('vm', 'a') }),
    decide: () => create('vm', 'a', {}),
  })
  await engine.sql`select foreword_code.prepare(array[${scope}], array['vm'], array['a'])`
  const holder = await engine.sql.reserve()
  await holder`begin isolation level serializable`
  await holder`update foreword_private.resource_state set labels = labels`
  const result = await engine.decide(spoiled, { scope, input: undefined }).finally(async () => {
    await holder`rollback`
    holder.release()
  })
  t.match(result, { type: 'gave_up', tries: 2, last_sqlstate: '55P03' })
})

t.test('a counter beyond what a number can hold is refused with words, at once', async (t) => {
  const { engine } = await testEngine(t)
  const use = (name: string, cores: number) =>
    engine.decide(say, {
      scope,
      input: { drafts: [create('vm', name, {}, { counters: { cores } })] },
    })
  t.match(await use('a', Number.MAX_SAFE_INTEGER - 1), { type: 'decided' })
  const too_large = {
    type: 'invalid',
    sqlstate: 'FW024',
    reason: "the counter 'cores' would come to more than 9007199254740991",
    remedy: 'Count in a larger unit.',
  }
  t.same(await use('b', 2), too_large)
  t.same(await use('b', Number.MAX_SAFE_INTEGER), too_large)
  const [over, within] = await Promise.all([use('b', 2), use('c', 1)])
  t.same(over, too_large)
  t.match(within, { type: 'decided' }, 'whoever shares its transaction is none the worse')
  const [row] = await engine.sql`select consumed from foreword.quota`
  t.same(row, { consumed: Number.MAX_SAFE_INTEGER })
  t.same(await engine.sql`select from foreword.conflict`, [], 'and nobody has tried again')
})

t.test('the view of conflicts says of each SQLSTATE what it means', async (t) => {
  const { engine } = await testEngine(t)
  const [row] = await engine.sql<{ told: string }[]>`
    select col_description('foreword.conflict'::regclass, a.attnum) as told
    from pg_attribute a
    where a.attrelid = 'foreword.conflict'::regclass and a.attname = 'sqlstate'`
  // Of Postgres, of a lost connection (src/store/serializable.ts, tombstone.ts), and foreword's own.
  const all = [...conflict_sqlstates, '08006', '08007', moved_sqlstate]
  t.same(
    all.filter((sqlstate) => row?.told.includes(sqlstate) !== true),
    [],
  )
})

t.test('writers that are not serializable are refused where deciders read', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a', size: 's' } })
  for (const statement of [
    `update foreword_private.resource_state set assumed = '{}'`,
    `delete from foreword_private.resource_state`,
    `insert into foreword_private.resource_state (resource, version) values (gen_random_uuid(), 1)`,
    `insert into foreword_private.member values ('s', 'k', 'l', 'v', gen_random_uuid(), 'n', gen_random_uuid())`,
    `delete from foreword_private.entry`,
    `update foreword_private.quota set consumed = 1`,
    `insert into foreword_private.quota (scope, metric, consumed) values ('s', 'm', 1)`,
    `select foreword_code.record('[]', '[]')`,
  ]) {
    await t.rejects(engine.sql.unsafe(statement), { code: /FW00[12]/ }, statement)
  }
})

t.test('what is written in the log stays as it was written', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a', size: 's' } })
  await t.rejects(engine.sql`update foreword_private.entry set assumed = '{}'`, { code: 'FW002' })
})

t.test('a name that follows from the clock is one name, known or not', async (t) => {
  const { url } = await testEngine(t)
  const pools = openPools(url, defaultLimits)
  t.teardown(async () => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()))
  })
  let ms = Date.parse('2026-11-26T05:00:00Z')
  const run = decide({
    store: decisionStore(pools.deciding),
    rules: { providers: new Map(), policies: [] },
    tries_max: 3,
    newId: () => randomUUID(),
    now: () => new Date(ms++),
  })
  const backup = defineDecider({
    name: 'backup',
    version: 1,
    read: () => ({}),
    decide: (_facts, _input: undefined, { now }) => create('backup', now.toISOString(), {}),
  })
  t.match(await run(backup, { scope, input: undefined }), { type: 'decided', tries: 1 })
})

t.test('a decider that makes names up is told so, and does not run for ever', async (t) => {
  const { engine } = await testEngine(t)
  let runs = 0
  const random = defineDecider({
    name: 'random',
    version: 1,
    read: (q) => ({ pool: q.find('vm') }),
    decide: () => create('vm', `vm-${runs++}`, {}),
  })
  t.match(await engine.decide(random, { scope, input: undefined }), {
    type: 'invalid',
    sqlstate: 'FW029',
    reason: /decider random names something else .*vm\/vm-1 in acme\/prod/,
    remedy: /think/,
  })
  t.same(await engine.sql`select from foreword.decision`, [])
})
