/** What a client of SQL may get wrong: each has its SQLSTATE, most a hint, and nothing is written. */
import t from 'tap'
import { defineDecider, refuse } from '../../src/domain/decider.ts'
import { testEngine } from '../support/engine.ts'
import { inTransaction, sqlClient } from '../support/sql-client.ts'

interface Mistake {
  readonly what: string
  /** One after the other in one transaction; the last one fails. */
  readonly calls: readonly string[]
  readonly sqlstate: string
  readonly hint?: RegExp
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Of a resource that is absent; `there` is one that is not. */
const intend = (verb: string, state: string, options = '{}', name = 'new'): string =>
  `foreword.intend('acme', 'vm', ${literal(name)}, ${literal(verb)}, ${literal(state)}, ${literal(options)})`
const decide = `foreword.decide('in-sql')`

const names = { sqlstate: 'FW025', hint: /1 to 512 characters/ }
const odd_names = ['', 'x'.repeat(513), 'a\nb', 'a\u001fb', 'a\u0085b', '\u007f']

const mistakenNames: readonly Mistake[] = odd_names.flatMap((odd) => {
  const name = literal(odd)
  const shown = JSON.stringify(odd.slice(0, 9))
  return [
    `foreword.assume(${name}, 'vm', 'a')`,
    `foreword.assume('acme', ${name}, 'a')`,
    `foreword.assume('acme', 'vm', ${name})`,
    `foreword.find(${name}, 'vm')`,
    `foreword.find('acme', ${name})`,
    `foreword.counter(${name}, 'cores')`,
    `foreword.counter('acme', ${name})`,
    `foreword.intend(${name}, 'vm', 'a', 'create', '{}')`,
    `foreword.intend('acme', ${name}, 'a', 'create', '{}')`,
    `foreword.intend('acme', 'vm', ${name}, 'create', '{}')`,
    `foreword.intend('acme', 'vm', 'a', ${name}, '{}')`,
    `foreword.decide(${name})`,
    `foreword.prepare(${name}, 'vm', 'a')`,
    `foreword.prepare('acme', ${name}, 'a')`,
    `foreword.prepare('acme', 'vm', 'a', ${name})`,
  ].map((call) => ({ what: `${shown} in ${call.slice(0, 40)}`, calls: [call], ...names }))
})

const mistakenNulls: readonly Mistake[] = [
  `foreword.assume(null, 'vm', 'a')`,
  `foreword.assume('acme', null, 'a')`,
  `foreword.assume('acme', 'vm', null)`,
  `foreword.find(null, 'vm')`,
  `foreword.find('acme', null)`,
  `foreword.counter(null, 'cores')`,
  `foreword.counter('acme', null)`,
  `foreword.intend(null, 'vm', 'a', 'create', '{}')`,
  `foreword.intend('acme', null, 'a', 'create', '{}')`,
  `foreword.intend('acme', 'vm', null, 'create', '{}')`,
  `foreword.intend('acme', 'vm', 'a', null, '{}')`,
  `foreword.decide(null)`,
  `foreword.prepare(null, 'vm', 'a')`,
  `foreword.prepare('acme', null, 'a')`,
  `foreword.prepare('acme', 'vm', null)`,
  `foreword.prepare('acme', 'vm', variadic null)`,
].map((call) => ({ what: call, calls: [call], ...names }))

const state = { sqlstate: 'FW020' }
const option = { sqlstate: 'FW028' }
const counter = { sqlstate: 'FW024', hint: /"cores": 4/ }
const labels = { ...option, hint: /"role": "web"/ }
const needs = { ...option, hint: /dns_zone\/example/ }

const mistakenIntents: readonly Mistake[] = [
  { what: 'a state that is no JSON', calls: [intend('create', '{size: m}')], sqlstate: '22P02' },
  { what: 'half a state', calls: [intend('create', '{"size": ')], sqlstate: '22P02' },
  { what: 'NUL in a state', calls: [intend('create', '{"x": "a\\u0000b"}')], sqlstate: '22P05' },
  { what: 'half a character', calls: [intend('create', '{"x": "\\ud800"}')], sqlstate: '22P02' },
  ...['9007199254740993', '[{"id": -12345678901234567890}]', '0.12345678901234567', '1e400'].map(
    (number) => ({
      what: `a number that no program holds, ${number}`,
      calls: [intend('create', `{"n": ${number}}`)],
      ...state,
      hint: /in quotes/,
    }),
  ),
  {
    what: 'a number that no program holds, in args',
    calls: [
      `foreword.intend('acme', 'vm', 'new', 'reboot', '{}', '{"args": {"n": 9007199254740993}}')`,
    ],
    ...state,
    hint: /in quotes/,
  },
  { what: 'a create of null', calls: [intend('create', 'null')], ...state, hint: /verb delete/ },
  {
    what: 'a create of SQL null',
    calls: [`foreword.intend('acme', 'vm', 'new', 'create', null)`],
    ...state,
    hint: /verb delete/,
  },
  { what: 'a delete that leaves a state', calls: [intend('delete', '{}')], ...state, hint: /null/ },
  {
    what: 'ten megabytes of state',
    calls: [`foreword.intend('acme', 'vm', 'new', 'create', to_jsonb(repeat('x', 10000000)))`],
    sqlstate: 'FW023',
    hint: /elsewhere/,
  },
  { what: 'a slash in a kind', calls: [`foreword.assume('acme', 'v/m', 'a')`], ...names },
  {
    what: 'an unknown option',
    calls: [intend('create', '{}', '{"lables": {}}')],
    ...option,
    hint: /labels, counters, needs/,
  },
  ...['[]', '"labels"', 'null', '7'].map((options) => ({
    what: `${options} as options`,
    calls: [intend('create', '{}', options)],
    ...option,
    hint: /labels, counters, needs/,
  })),
  ...['[]', 'null', '{"role": 7}', '{"role": null}', '{"role": ["web"]}', '{"role": []}'].map(
    (odd) => ({
      what: `${odd} as labels`,
      calls: [intend('create', '{}', `{"labels": ${odd}}`)],
      ...labels,
    }),
  ),
  ...[`{"": "web"}`, `{"role": "${'x'.repeat(513)}"}`, `{"${'x'.repeat(513)}": ""}`].map((odd) => ({
    what: `${odd.slice(0, 20)} as labels`,
    calls: [intend('create', '{}', `{"labels": ${odd}}`)],
    ...option,
    hint: /512 characters/,
  })),
  ...['[]', 'null', '{"cores": "4"}', '{"cores": 4.5}', '{"cores": [4]}', '{"cores": null}'].map(
    (odd) => ({
      what: `${odd} as counters`,
      calls: [intend('create', '{}', `{"counters": ${odd}}`)],
      ...counter,
    }),
  ),
  ...['9007199254740992', '-9007199254740992', '1e300'].map((odd) => ({
    what: `${odd} of a metric`,
    calls: [intend('create', '{}', `{"counters": {"cores": ${odd}}}`)],
    ...counter,
  })),
  ...['""', `"${'x'.repeat(513)}"`, '"a\\nb"'].map((odd) => ({
    what: `${odd.slice(0, 9)} as a metric`,
    calls: [intend('create', '{}', `{"counters": {${odd}: 1}}`)],
    ...names,
  })),
  ...[
    '{}',
    'null',
    '"vm/a"',
    '[1]',
    '["vm"]',
    '["/a"]',
    '["vm/"]',
    '["v\\nm/a"]',
    '[["vm/a"]]',
    '[null]',
  ].map((odd) => ({
    what: `${odd} as needs`,
    calls: [intend('create', '{}', `{"needs": ${odd}}`)],
    ...needs,
  })),
  ...['["vm/a\\nb"]', `["vm/${'x'.repeat(513)}"]`].map((odd) => ({
    what: `${odd.slice(0, 12)} as needs`,
    calls: [intend('create', '{}', `{"needs": ${odd}}`)],
    ...names,
  })),
]

const most = '{"counters": {"cores": 9007199254740991}}'
const thousand = (rows: number): string =>
  `foreword.intend('acme', 'vm', 'n' || i, 'create', '{}') from generate_series(1, ${rows}) i`

const mistakenDecisions: readonly Mistake[] = [
  ...['update', 'reboot'].map((verb) => ({
    what: `${verb} of what is absent`,
    calls: [intend(verb, '{}'), decide],
    sqlstate: 'FW011',
    hint: /create it/,
  })),
  {
    what: 'a deletion of what is absent',
    calls: [intend('delete', 'null'), decide],
    sqlstate: 'FW011',
    hint: /create it/,
  },
  {
    what: 'a create of what is there',
    calls: [intend('create', '{}', '{}', 'there'), decide],
    sqlstate: 'FW010',
    hint: /update it/,
  },
  ...[
    [intend('create', '{}'), intend('create', '{}')],
    [intend('create', '{}', '{"labels": {"a": "b"}}'), intend('update', '{}')],
    [intend('update', '{}', most, 'there'), intend('delete', 'null', '{}', 'there')],
  ].map((calls, i) => ({
    what: `one resource twice, ${i}`,
    calls: [...calls, decide],
    sqlstate: 'FW013',
    hint: /one change for each/,
  })),
  {
    what: '1,001 intents',
    calls: [thousand(1_001), decide],
    sqlstate: 'FW027',
    hint: /Split it/,
  },
  ...[
    [intend('create', '{}', most), intend('update', '{}', '{"counters": {"cores": 1}}', 'there')],
    [intend('create', '{}', most), intend('create', '{}', most, 'newer')],
  ].map((calls, i) => ({
    what: `a counter that would overflow, ${i}`,
    calls: [...calls, decide],
    sqlstate: 'FW024',
    hint: /larger unit/,
  })),
  ...[`'role'`, `'role', null`, `null, 'web'`, `'', ''`, `'', 'web'`].map((pair) => ({
    what: `find with ${pair}`,
    calls: [`foreword.find('acme', 'vm', ${pair})`],
    ...option,
    hint: /foreword\.find\(scope, kind\)/,
  })),
]

const mistakes = [
  ...mistakenNames,
  ...mistakenNulls,
  ...mistakenIntents,
  ...mistakenDecisions,
] as const

t.test('what cannot be decided is refused with its reason, and leaves nothing', async (t) => {
  const { engine, url } = await testEngine(t)
  const tx = await sqlClient(t, url)
  const run = (calls: readonly string[]) =>
    inTransaction(tx, async () => {
      for (const call of calls) await tx.unsafe(`select ${call}`)
    })
  await run([intend('create', '{}', '{}', 'there'), decide])
  const count = async (): Promise<unknown> => {
    const [row] = await engine.sql`
      select
        (select count(*)::integer from foreword_private.decision) as decisions,
        (select count(*)::integer from foreword_private.entry) as entries,
        (select count(*)::integer from foreword_private.member where scope = 'acme') as members,
        (select count(*)::integer from foreword_private.resource) as resources,
        (select count(*)::integer from foreword_private.quota) as quotas`
    return row
  }
  const before = await count()
  for (const { what, calls, sqlstate, hint } of mistakes) {
    const expected = hint === undefined ? { code: sqlstate } : { code: sqlstate, hint }
    await t.rejects(run(calls), expected, `${what}: ${sqlstate}`)
  }
  t.same(await count(), before)
  await run([intend('create', '{}'), decide])
  t.match(await count(), { decisions: 2 }, 'and its session is as good as before')
})

t.test('committed asks for an id', async (t) => {
  const { engine } = await testEngine(t)
  await t.rejects(engine.sql`select foreword.committed(null)`, { code: 'FW028', hint: /decide/ })
  t.same(await engine.sql`select from foreword_private.decision`, [])
})

t.test('a find that more than a thousand answer is refused', async (t) => {
  const { engine, url } = await testEngine(t)
  const tx = await sqlClient(t, url)
  for (const call of [thousand(1_000), intend('create', '{}')]) {
    await inTransaction(tx, async () => {
      await tx.unsafe(`select ${call}`)
      await tx.unsafe(`select ${decide}`)
    })
  }
  await t.rejects(
    inTransaction(tx, async () => tx`select from foreword.find('acme', 'vm')`),
    { code: 'FW015', hint: /counter/, message: 'find vm matches more than 1000 resources' },
  )
  t.match(await engine.sql`select count(*)::integer as n from foreword_private.decision`, [
    { n: 2 },
  ])
})

t.test('null stands for the usual where there is one', async (t) => {
  const { engine, url } = await testEngine(t)
  const tx = await sqlClient(t, url)
  await inTransaction(tx, async () => {
    await tx`select foreword.intend('acme', 'vm', 'a', 'create', '{}', null)`
    t.match(await tx`select foreword.decide('in-sql', null, null)`, [{ decide: /-/ }])
  })
  await inTransaction(tx, async () => {
    t.equal((await tx`select from foreword.find('acme', 'vm', null, null)`).length, 1)
    await tx`select foreword.intend('acme', 'vm', 'a', 'delete', null)`
    await tx`select ${tx.unsafe(decide)}`
  })
  t.match(await engine.sql`select reason from foreword.decision`, [{ reason: '' }, { reason: '' }])
})

t.test('whole numbers may be written as others write them', async (t) => {
  const { engine, url } = await testEngine(t)
  const tx = await sqlClient(t, url)
  const decideIntent = (call: string) =>
    inTransaction(tx, async () => {
      await tx.unsafe(`select ${call}`)
      await tx.unsafe(`select ${decide}`)
    })
  const consumed = () => engine.sql`select metric, consumed from foreword_private.quota order by 1`
  await decideIntent(intend('create', '{}', '{"counters": {"cores": 4.0, "disks": 1e2}}'))
  t.same(await consumed(), [
    { metric: 'cores', consumed: 4 },
    { metric: 'disks', consumed: 100 },
  ])
  await decideIntent(intend('update', '{}'))
  t.match(await consumed(), [{ consumed: 4 }, { consumed: 100 }], 'no counters: as before')
  await decideIntent(intend('update', '{}', '{"counters": {}}'))
  t.match(await consumed(), [{ consumed: 0 }, { consumed: 0 }], 'none: nothing from now on')
})

const look = defineDecider({
  name: 'look',
  version: 1,
  read: (q, name: string) => ({ it: q.get('vm', name) }),
  decide: ({ it }) => refuse(JSON.stringify(it?.labels ?? null)),
})

t.test('a number of many digits is kept where programs can hold it', async (t) => {
  const { engine, url } = await testEngine(t)
  const fits =
    '{"a": 9007199254740991, "b": 1e20, "c": "12345678901234567890", "d": 0.1000000000000000000, "e": 0.0}'
  const tx = await sqlClient(t, url)
  await inTransaction(tx, async () => {
    await tx.unsafe(`select ${intend('create', fits)}`)
    await tx.unsafe(`select ${decide}`)
  })
  const [row] = await engine.sql`select r.assumed from foreword.resource r`
  t.match(row?.['assumed'], { a: 9007199254740991, b: 1e20, c: '12345678901234567890', d: 0.1 })
  t.match(
    await engine.sql`select foreword.want('acme', 'vm', 'b', '{"id": 9007199254740993}')`.catch(
      (error: unknown) => error,
    ),
    { code: 'FW020', message: /vm\/b: the number 9007199254740993 cannot be kept exactly/ },
  )
})

t.test('SQL in a name, a label or a state is what it is', async (t) => {
  const { engine, url } = await testEngine(t)
  const tx = await sqlClient(t, url)
  const evil = `'); drop table foreword_private.entry; -- "\\ \u202e 🐘 %s $1`
  const options = { labels: { [evil]: evil }, counters: { [evil]: 1 }, needs: [`vm/not ${evil}`] }
  await inTransaction(tx, async () => {
    await tx`select foreword.assume(${evil}, 'vm', ${evil}), foreword.counter(${evil}, ${evil})`
    await tx`
      select foreword.intend(
        ${evil}, 'vm', ${evil}, 'create',
        ${JSON.stringify({ evil })}::text::jsonb, ${JSON.stringify(options)}::text::jsonb
      )`
    await tx`select foreword.decide(${evil}, ${evil})`
  })
  const found = await inTransaction(
    tx,
    () => tx`select name, state, labels from foreword.find(${evil}, 'vm', ${evil}, ${evil})`,
  )
  t.same(found, [{ name: evil, state: { evil }, labels: { [evil]: evil } }])
  t.match(await engine.sql`select decider, reason, scope from foreword.decision`, [
    { decider: evil, reason: evil, scope: evil },
  ])
  const seen = await engine.decide(look, { scope: evil, input: evil })
  t.match(seen, { type: 'refused', reason: JSON.stringify({ [evil]: evil }) })
})
