/** foreword.premise says of each fact that a decision relied on whether it still is one. */
import t from 'tap'
import {
  create,
  defineDecider,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { testEngine } from '../support/engine.ts'
import { begin, commit, sqlClient } from '../support/sql-client.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

/** Asks four predicates, and itself enters all of them. */
const ask = defineDecider({
  name: 'ask',
  version: 1,
  read: (q) => ({
    all: q.find('vm'),
    web: q.find('vm', { role: 'web' }),
    both: q.find('vm', { role: 'web', zone: 'b' }),
    disks: q.find('disk', { role: 'web' }),
  }),
  decide: () => create('vm', 'asked', {}, { labels: { role: 'web', zone: 'b' } }),
})

const act = async (engine: Engine, at: string, ...input: readonly IntentDraft[]): Promise<void> => {
  const result = await engine.decide(say, { scope: at, input })
  if (result.type !== 'decided') throw new Error(result.type)
}

/** Who is there before. */
const lay = (engine: Engine, at = scope): Promise<void> =>
  act(
    engine,
    at,
    create('vm', 'plain', {}),
    create('vm', 'web', {}, { labels: { role: 'web' } }),
    create('vm', 'zoned', {}, { labels: { zone: 'b' } }),
    create('disk', 'web', {}, { labels: { role: 'web' } }),
  )

/** The predicates of `ask` that hold. */
const holding = async ({ sql }: Engine, at = scope): Promise<readonly string[]> => {
  const rows = await sql<{ predicate: string; holds: boolean }[]>`
    select p.predicate, p.holds
    from foreword.premise p
    join foreword.decision d on d.id = p.decision_id
    where d.scope = ${at} and d.decider in ('ask', 'in-sql') and p.predicate is not null and p.kind is not null
    order by p.predicate`
  return rows
    .filter(({ holds }) => holds)
    .map(({ predicate }) => predicate.replace(/: \d+ found$/, ''))
}

const [disks, both, web, all] = [
  'disk with {"role": "web"}',
  'vm with {"role": "web", "zone": "b"}',
  'vm with {"role": "web"}',
  'vm with {}',
]
const every = [disks, both, web, all]

const moves: readonly {
  readonly move: string
  readonly drafts: readonly IntentDraft[]
  readonly left: readonly string[]
}[] = [
  { move: 'a create without a label', drafts: [create('vm', 'n', {})], left: [disks, both, web] },
  {
    move: 'a create with another label',
    drafts: [create('vm', 'n', {}, { labels: { role: 'db', zone: 'c', tier: 'web' } })],
    left: [disks, both, web],
  },
  {
    move: 'a create with the label',
    drafts: [create('vm', 'n', {}, { labels: { role: 'web' } })],
    left: [disks],
  },
  {
    move: 'a deletion of one that carried the label',
    drafts: [remove('vm', 'web')],
    left: [disks],
  },
  {
    move: 'a deletion of one that did not',
    drafts: [remove('vm', 'plain')],
    left: [disks, both, web],
  },
  {
    move: 'a label put on one that was there',
    drafts: [update('vm', 'plain', {}, { labels: { role: 'web' } })],
    left: [disks, all],
  },
  {
    move: 'the second label put on one that carried the first',
    drafts: [update('vm', 'web', {}, { labels: { role: 'web', zone: 'b' } })],
    left: [disks, web, all],
  },
  {
    move: 'the label taken away',
    drafts: [update('vm', 'web', {}, { labels: {} })],
    left: [disks, all],
  },
  {
    move: 'an update that leaves the labels',
    drafts: [update('vm', 'web', { x: 1 })],
    left: every,
  },
  { move: 'the same of another kind', drafts: [remove('disk', 'web')], left: [both, web, all] },
  {
    move: 'the same in another scope',
    drafts: [create('vm', 'n', {}, { scope: 'other', labels: { role: 'web', zone: 'b' } })],
    left: every,
  },
]

t.test('a predicate holds until somebody else enters or leaves it', async (t) => {
  const { engine } = await testEngine(t)
  for (const { move, drafts, left } of moves) {
    await lay(engine, move)
    await engine.decide(ask, { scope: move, input: undefined })
    t.same(await holding(engine, move), every, 'nobody has but the decision itself')
    await act(engine, move, ...drafts)
    t.same(await holding(engine, move), left, move)
  }
  await engine.sql`
    update foreword_private.decision d
    set premise_predicates = (
      select jsonb_agg(p - 'label' - 'value') from jsonb_array_elements(d.premise_predicates) p
    )
    where d.decider = 'ask'`
  for (const { move, left } of moves) {
    t.same(await holding(engine, move), left, `${move}, as the first decisions were recorded`)
  }
})

t.test('who was under way when a predicate was asked and commits later ends it', async (t) => {
  const { engine, url } = await testEngine(t)
  await lay(engine)
  await engine.sql`select foreword.prepare(${scope}, 'vm', 'late'), foreword.prepare(${scope}, 'note', 'early')`
  const [early, late] = [await sqlClient(t, url), await sqlClient(t, url)]
  await begin(late)
  await late`select foreword.intend(${scope}, 'vm', 'late', 'create', '{}', '{"labels": {"role": "web"}}')`
  await late`select foreword.decide('late')`
  // Only then is it among those that a snapshot lists as under way.
  await act(engine, 'other', create('vm', 'n', {}))
  await begin(early)
  await early`select from foreword.find(${scope}, 'vm', 'role', 'web')`
  await early`select foreword.intend(${scope}, 'note', 'early', 'create', '{}')`
  await early`select foreword.decide('in-sql')`
  await commit(early)
  t.same(await holding(engine), [web])
  await commit(late)
  t.same(await holding(engine), [])
})

t.test(
  'whether a predicate holds is looked up by its key and the decision’s snapshot',
  async (t) => {
    const { engine } = await testEngine(t)
    await lay(engine)
    await engine.sql`
    insert into foreword_private.member_entry (
      scope, kind, label, value, xid, resource, version, decision, entered
    )
    select ${scope}, 'vm', 'role', 'web', '3', gen_random_uuid(), 1, gen_random_uuid(), true
    from generate_series(1, 20000)`
    await engine.decide(ask, { scope, input: undefined })
    await engine.sql`analyze foreword_private.member_entry`
    t.same(await holding(engine), every)
    const plan = await engine.sql<{ 'QUERY PLAN': string }[]>`
    explain (analyze, costs off, timing off, summary off)
    select p.holds
    from foreword.decision d
    join foreword.premise p on p.decision_id = d.id
    where d.decider = 'ask'`
    const text = plan.map((line) => line['QUERY PLAN']).join('\n')
    t.match(text, /using member_entry_pkey/)
    t.match(text, /Index Cond: .*value = .*xid >= pg_snapshot_xmin/)
    t.notMatch(text, /Seq Scan on member_entry/)
    t.notMatch(text, /Rows Removed by Filter: \d{3}/, 'nothing older is looked at')
  },
)
