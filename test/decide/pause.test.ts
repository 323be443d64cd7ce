/** A pause is a fact that every decision in its scope relied on. */
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import {
  create,
  defineDecider,
  refuse,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { codeOf } from '../../src/store/connect.ts'
import { serializably } from '../../src/store/system.ts'
import { testEngine } from '../support/engine.ts'
import { begin, commit, inTransaction, sqlClient, sqlstateOf } from '../support/sql-client.ts'

const scope = 'acme/prod'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

const count = defineDecider({
  name: 'count',
  version: 1,
  read: (q, name: string) => ({ vm: q.get('vm', name) }),
  decide: ({ vm }, name) =>
    vm === null
      ? create('vm', name, { n: 1 })
      : update('vm', name, { n: (vm.state as { n: number }).n + 1 }),
})

const put = (engine: Engine, name: string, at = scope) =>
  engine.decide(count, { scope: at, input: name })

const pause = (engine: Engine, at = scope, note = '') =>
  engine.sql<{ paused: boolean }[]>`select foreword.pause(${at}, 'ada', ${note}) as paused`
const resume = (engine: Engine, at = scope) =>
  engine.sql<{ resumed: boolean }[]>`select foreword.resume(${at}, 'bob', 'over') as resumed`

t.test(
  'nothing is decided in a paused scope, and it is said by whom and what lifts it',
  async (t) => {
    const { engine } = await testEngine(t)
    await put(engine, 'a')
    t.same(await pause(engine, scope, 'freeze'), [{ paused: true }])
    t.same(await put(engine, 'a'), {
      type: 'refused',
      reason: `scope ${scope} is paused by ada: freeze; foreword resume ${scope}`,
      tries: 1,
      paused: true,
    })
    t.match(await put(engine, 'a', 'acme/test'), { type: 'decided' }, 'and in no other scope')
    t.same(await engine.sql`select version from foreword.resource where scope = ${scope}`, [
      { version: 1 },
    ])
    t.same(await resume(engine), [{ resumed: true }])
    t.match(await put(engine, 'a'), { type: 'decided', intents: [{ version: 2 }] })
  },
)

t.test('a scope is paused once, by the first; a scope that goes on is not resumed', async (t) => {
  const { engine } = await testEngine(t)
  t.same(await resume(engine), [{ resumed: false }])
  t.same(await pause(engine, scope, 'first'), [{ paused: true }])
  t.same(await pause(engine, scope, 'second'), [{ paused: false }])
  t.match(await engine.sql`select * from foreword.scope`, [
    { scope, paused: true, by: 'ada', note: 'first', waiting: 0, version: 1 },
  ])
  t.match(await engine.sql`select paused_scopes from foreword.health`, [{ paused_scopes: 1 }])
  await resume(engine)
  t.match(await engine.sql`select * from foreword.scope`, [
    { scope, paused: false, by: null, note: null, since: null, version: 2 },
  ])
  t.match(await engine.sql`select * from foreword.pause`, [
    { scope, version: 1, paused_by: 'ada', note: 'first', resumed_by: 'bob', resumed_note: 'over' },
  ])
})

t.test('who pauses is named, and what is paused is a scope', async (t) => {
  const { engine } = await testEngine(t)
  const { sql } = engine
  t.equal(await sqlstateOf(sql`select foreword.pause('', 'ada')`), 'FW025')
  t.equal(await sqlstateOf(sql`select foreword.pause(null, 'ada')`), 'FW025')
  t.equal(await sqlstateOf(sql`select foreword.pause('a', '')`), 'FW043')
  t.equal(await sqlstateOf(sql`select foreword.resume('a', null)`), 'FW043')
  t.equal(await sqlstateOf(sql`select foreword.pause('a', 'ada', null)`), 'FW043')
  t.same(await sql`select * from foreword.scope`, [])
  t.match(await sql`select foreword.pause('späßle 🚀')`, [{ pause: true }], 'any name can be')
  t.match(
    await sql`select by from foreword.scope`,
    [{ by: /./ }],
    'and is paused by who is logged in',
  )
})

t.test('an intent in a paused scope is refused, whichever scope decides it', async (t) => {
  const { engine } = await testEngine(t)
  for (const name of ['a', 'b']) await put(engine, name)
  await put(engine, 'there', 'other')
  await pause(engine)
  const drafts = [
    [update('vm', 'a', { n: 9 })],
    [create('vm', 'new', { n: 9 }, { labels: { role: 'web' } })],
    [update('vm', 'a', { n: 9 }), update('vm', 'b', { n: 9 })],
    [{ ...update('vm', 'a', { n: 9 }), scope }],
    [
      { ...update('vm', 'there', { n: 9 }), scope: 'other' },
      { ...update('vm', 'a', { n: 9 }), scope },
    ],
  ]
  for (const [i, input] of drafts.entries()) {
    const at = i < 3 ? scope : 'other'
    t.match(await engine.decide(say, { scope: at, input }), { type: 'refused', paused: true })
  }
  const elsewhere = [{ ...update('vm', 'there', { n: 9 }), scope: 'other' }]
  t.match(await engine.decide(say, { scope, input: elsewhere }), { type: 'refused', paused: true })
  const [row] = await engine.sql`select max(version)::integer as most from foreword.resource`
  t.match(row, { most: 1 }, 'nothing was written')
})

t.test('what is refused by its decider, or changes nothing, is told as it is', async (t) => {
  const { engine } = await testEngine(t)
  await pause(engine)
  const no = defineDecider({
    name: 'no',
    version: 1,
    read: () => ({}),
    decide: () => refuse('full'),
  })
  t.same(await engine.decide(no, { scope, input: undefined }), {
    type: 'refused',
    reason: 'full',
    tries: 1,
  })
  t.match(await engine.decide(say, { scope, input: [] }), { type: 'unchanged' })
})

t.test(
  'decisions of one moment share a transaction with no decision of a paused scope',
  async (t) => {
    const { engine } = await testEngine(t)
    const names = Array.from({ length: 8 }, (_, i) => `vm-${i}`)
    const scopes = ['on', 'off']
    for (const at of scopes) for (const name of names) await put(engine, name, at)
    await pause(engine, 'off')
    const round = () => Promise.all(names.flatMap((n) => scopes.map((at) => put(engine, n, at))))
    for (let i = 0; i < 3; i++) {
      const types = (await round()).map(({ type }) => type)
      t.same([...new Set(types.filter((_, at) => at % 2 === 0))], ['decided'])
      t.same([...new Set(types.filter((_, at) => at % 2 === 1))], ['refused'])
    }
    await resume(engine, 'off')
    t.ok((await round()).every(({ type }) => type === 'decided'))
    t.ok((await round()).every(({ type }) => type === 'decided'))
  },
)

t.test('a client of SQL is refused with FW050', async (t) => {
  const { engine, url } = await testEngine(t)
  await pause(engine, scope, 'freeze')
  const tx = await sqlClient(t, url)
  const decide = () =>
    inTransaction(tx, async () => {
      await tx`select foreword.assume(${scope}, 'vm', 'a')`
      await tx`select foreword.intend(${scope}, 'vm', 'a', 'create', '{}')`
      await tx`select foreword.decide('in-sql')`
    })
  const error: unknown = await decide().catch((e: unknown) => e)
  t.equal(codeOf(error), 'FW050')
  t.match(error, {
    message: `scope ${scope} is paused by ada: freeze`,
    hint: `foreword resume ${scope}`,
  })
  await resume(engine)
  await decide()
})

t.test(
  'a decision concurrent with a pause comes before it, or is decided again and refused',
  async (t) => {
    const { engine, url } = await testEngine(t)
    for (const name of ['a', 'b']) await put(engine, name)
    // It has read that the scope goes on, commits after the pause, and comes before it: nobody saw otherwise.
    const tx = await sqlClient(t, url)
    const operator = await sqlClient(t, url)
    await begin(tx)
    await tx`select foreword.assume(${scope}, 'vm', 'a')`
    await tx`select foreword.intend(${scope}, 'vm', 'a', 'update', '{"n": 5}')`
    await inTransaction(operator, () => operator`select foreword.pause(${scope}, 'ada')`)
    await tx`select foreword.decide('before')`
    await commit(tx)
    await resume(engine)

    // Whoever was refused has read what the decision writes, before it did: now it would have to be on both sides.
    await begin(tx)
    await tx`select foreword.assume(${scope}, 'vm', 'b')`
    await tx`select foreword.intend(${scope}, 'vm', 'a', 'update', '{"n": 6}')`
    await tx`select foreword.decide('both')`
    await inTransaction(operator, () => operator`select foreword.pause(${scope}, 'ada')`)
    const reader = await sqlClient(t, url)
    await begin(reader)
    await reader`select foreword.assume(${scope}, 'vm', 'a')`
    await reader`select s.version from foreword.scope s where s.scope = ${scope}`
    const refused = await sqlstateOf(commit(reader).then(() => commit(tx)))
    t.equal(refused, '40001', 'one of the two is aborted')
    await tx`rollback`
    t.match(await put(engine, 'a'), { type: 'refused', paused: true })
  },
)

t.test('foreword.premise tells that the scope went on, where it was ever paused', async (t) => {
  const { engine } = await testEngine(t)
  await put(engine, 'a')
  const premises = () => engine.sql`
    select p.predicate, p.version, p.holds
    from foreword.premise p
    join foreword.decision d on d.id = p.decision_id
    where p.predicate is not null
    order by d.decided_at`
  const counted = () => engine.sql`
    select d.premises, count(p.*)::integer as told
    from foreword.decision d
    left join foreword.premise p on p.decision_id = d.id
    group by d.id, d.premises, d.decided_at
    order by d.decided_at`
  t.same(await premises(), [])
  t.same(await counted(), [{ premises: 1, told: 1 }])
  await pause(engine)
  const predicate = `scope ${scope} goes on`
  t.same(await premises(), [{ predicate, version: 0, holds: false }])
  await resume(engine)
  await put(engine, 'a')
  t.same(await premises(), [
    { predicate, version: 0, holds: false },
    { predicate, version: 2, holds: true },
  ])
  t.same(await counted(), [
    { premises: 2, told: 2 },
    { premises: 2, told: 2 },
  ])
})

t.test('however pauses and decisions race, none is decided in between', async (t) => {
  const { engine } = await testEngine(t)
  await put(engine, 'a')
  let racing = true
  const deciders = Array.from({ length: 6 }, async (_, i) => {
    const seen = { decided: 0, refused: 0 }
    while (racing) {
      const { type } = await put(engine, `vm-${i % 3}`)
      if (type === 'decided' || type === 'refused') seen[type] += 1
      else if (type !== 'gave_up') throw new Error(type)
    }
    return seen
  })
  for (let i = 0; i < 30; i++) {
    // A pause that is SERIALIZABLE may have to be begun again, as the command does.
    const act = (step: 'pause' | 'resume'): Promise<unknown> =>
      i % 2 === 0
        ? serializably(engine.sql, (tx) => tx.unsafe(`select foreword.${step}('${scope}', 'ada')`))
        : engine.sql.unsafe(`select foreword.${step}('${scope}', 'ada')`)
    await act('pause')
    t.match(await put(engine, 'a'), { type: 'refused', paused: true })
    await act('resume')
    t.match(await put(engine, 'a'), { type: /decided|gave_up/ })
  }
  racing = false
  const seen = await Promise.all(deciders)
  t.ok(seen.every(({ decided }) => decided > 0))
  t.same(
    await engine.sql`select count(*)::integer as odd from foreword_private.decision where scope_version % 2 = 1`,
    [{ odd: 0 }],
  )
  const report = await audit(auditStore(engine.sql))
  t.ok(report.ok)
})
