/** What was assumed at a time: a fold of the log by the moments of its decisions, never half of one. */
import t, { type Test } from 'tap'
import {
  create,
  defineDecider,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import type { Sql } from '../../src/store/connect.ts'
import { codeOf } from '../../src/store/connect.ts'
import { testEngine } from '../support/engine.ts'
import { loginAs } from '../support/login.ts'

/** Decides just what it is told. */
const told = defineDecider({
  name: 'told',
  version: 1,
  read: (q, input: { readonly drafts: readonly IntentDraft[] }) => ({
    all: q.getAll('vm', [...new Set(input.drafts.map((d) => d.name))]),
  }),
  decide: (_facts, { drafts }) => drafts,
})

const scope = 'acme'

const decide = async (engine: Engine, ...drafts: readonly IntentDraft[]): Promise<string> => {
  const result = await engine.decide(told, { scope, input: { drafts } })
  if (result.type !== 'decided') throw new Error(JSON.stringify(result))
  return result.decision
}

/** Times as text: a Date has no microseconds. */
const momentOf = async (sql: Sql, decision: string): Promise<string> => {
  const [row] = await sql<{ at: string }[]>`
    select decided_at::text as at from foreword.decision where id = ${decision}`
  return row?.at ?? ''
}

interface Told {
  readonly version: number
  readonly state: unknown
  readonly labels: unknown
  readonly intent_state: string | null
}

const assumedAt = async (sql: Sql, name: string, at: string, earlier = '0'): Promise<Told> => {
  const [row] = await sql<Told[]>`
    select * from foreword.assumed_at(
      ${scope}, 'vm', ${name}, ${at}::text::timestamptz - ${earlier}::text::interval
    )`
  if (row === undefined) throw new Error('one row, always')
  return row
}

/** A small generator of its own: the same history each time. */
const random = (seed: number): (() => number) => {
  let x = seed
  return () => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    return x / 2 ** 32
  }
}

/** A history of creates, updates, relabels and deletes of a handful of machines, one of them hot. */
const history = async (engine: Engine): Promise<void> => {
  const roll = random(7)
  const there = new Set<string>()
  for (let i = 0; i < 60; i++) {
    const names = new Set(['hot', ...['a', 'b', 'c', 'd'].filter(() => roll() < 0.3)])
    const drafts = [...names].map((name) => {
      const state = { i }
      if (!there.has(name)) {
        there.add(name)
        return create('vm', name, state, { labels: { turn: String(i) } })
      }
      if (roll() < 0.2) {
        there.delete(name)
        return remove('vm', name)
      }
      return update('vm', name, state)
    })
    await decide(engine, ...drafts)
  }
}

/** The fold, written down as it is meant: the newest version whose decision was written by then. */
const folded = (sql: Sql, at: string) => sql`
  select r.name, f.version, f.assumed as state, f.labels
  from foreword_private.resource r
  left join lateral (
    select e.version, e.assumed, e.labels
    from foreword_private.entry e
    join foreword_private.decision d on d.id = e.decision
    where e.resource = r.id and d.decided_at <= ${at}::text::timestamptz
    order by e.version desc
    limit 1
  ) f on true
  order by r.name`

/** The moments of all decisions and of all entries, and a little before and after each. */
const momentsIn = (sql: Sql) => sql<{ at: string }[]>`
  select distinct (m.at + o.off)::text as at
  from (
    select d.decided_at as at from foreword_private.decision d
    union all
    select e.recorded_at from foreword_private.entry e
  ) m
  cross join unnest(array['-1 us', '0', '1 us']::interval[]) as o (off)
  order by 1`

t.test('at every moment it is the fold of what was decided until then', async (t) => {
  const { engine } = await testEngine(t)
  await history(engine)
  const { sql } = engine
  let compared = 0
  for (const { at } of await momentsIn(sql)) {
    const expected = await folded(sql, at)
    for (const row of expected) {
      const { version, state } = await assumedAt(sql, row['name'] as string, at)
      if (version !== (row['version'] ?? 0)) t.equal(version, row['version'] ?? 0, at)
      t.strictSame(state, row['state'], `${String(row['name'])} at ${at}`)
      compared++
    }
    const all = await sql<{ name: string; version: number; state: unknown }[]>`
      select * from foreword.assumed_at(${scope}, ${at}::text::timestamptz)`
    t.strictSame(
      all.map(({ name, version }) => [name, version]),
      expected
        .filter((row) => row['state'] !== null)
        .map((row) => [row['name'] as string, row['version'] as number]),
      `the whole scope at ${at}`,
    )
  }
  t.ok(compared > 1_000, `${compared} compared`)
})

t.test('of a decision all is seen, or nothing', async (t) => {
  const { engine } = await testEngine(t)
  const names = Array.from({ length: 40 }, (_, i) => `m${i}`)
  await decide(engine, ...names.map((name) => create('vm', name, { n: 1 })))
  const second = await decide(engine, ...names.map((name) => update('vm', name, { n: 2 })))
  const { sql } = engine
  const spread = await sql<{ at: string }[]>`
    select recorded_at::text as at from foreword_private.entry where decision = ${second}`
  t.ok(new Set(spread.map(({ at }) => at)).size > 1, 'its entries were written one after the other')
  const seen = new Set<number>()
  for (const { at } of [...spread, { at: await momentOf(sql, second) }]) {
    for (const earlier of ['0', '1 us', '1 ms']) {
      const rows = await sql<{ versions: number; newest: number }[]>`
        select count(distinct a.version)::integer as versions, max(a.version) as newest
        from foreword.assumed_at(${scope}, ${at}::text::timestamptz - ${earlier}::text::interval) a`
      t.equal(rows[0]?.versions, 1, `${earlier} before ${at}`)
      seen.add(rows[0]?.newest ?? 0)
    }
  }
  t.strictSame([...seen].toSorted(), [1, 2], 'both were seen')
})

t.test('a decision that read another never is there without it', async (t) => {
  const { engine } = await testEngine(t)
  await history(engine)
  const torn = await engine.sql`
    select d.id
    from foreword_private.decision d
    cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    where foreword_code.version_at(p.resource, d.decided_at) < p.version`
  t.strictSame([...torn], [])
})

t.test('what was taken back since was assumed all the same, and the row says so', async (t) => {
  const { engine } = await testEngine(t)
  const { sql } = engine
  await decide(engine, create('vm', 'a', { size: 's' }))
  const grown = await decide(engine, update('vm', 'a', { size: 'l' }))
  const at = await momentOf(sql, grown)
  const [intent] = await sql<{ id: number }[]>`
    select id from foreword.intent where decision_id = ${grown}`
  await sql.begin(
    'isolation level serializable',
    (tx) => tx`select foreword.cancel(${intent?.id ?? 0}, 'ada', 'not now')`,
  )
  t.match(await assumedAt(sql, 'a', at), {
    version: 2,
    state: { size: 'l' },
    intent_state: 'cancelled',
  })
  t.match(await assumedAt(sql, 'a', 'now'), { version: 3, state: { size: 's' }, cause: 'ruling' })
})

t.test('of two versions of one transaction each counts from its own decision on', async (t) => {
  const { engine } = await testEngine(t)
  const { sql } = engine
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`select foreword.intend(${scope}, 'vm', 'a', 'create', '{"n": 1}')`
    await tx`select foreword.decide('by hand')`
    await tx`select foreword.intend(${scope}, 'vm', 'a', 'update', '{"n": 2}')`
    await tx`select foreword.decide('by hand')`
  })
  const rows = await sql<{ id: string }[]>`select id from foreword.decision order by decided_at`
  const [first, second] = rows.map(({ id }) => id)
  t.match(await assumedAt(sql, 'a', await momentOf(sql, first ?? ''), '1 us'), { version: 0 })
  t.match(await assumedAt(sql, 'a', await momentOf(sql, first ?? '')), { version: 1 })
  t.match(await assumedAt(sql, 'a', await momentOf(sql, second ?? '')), { version: 2 })
})

t.test('by version: each of them, and none that is not there', async (t) => {
  const { engine } = await testEngine(t)
  const { sql } = engine
  await decide(engine, create('vm', 'a', { n: 1 }, { labels: { role: 'web' } }))
  await decide(engine, remove('vm', 'a'))
  const version = (n: number) => sql`
    select version, state, labels from foreword.assumed_at_version(${scope}, 'vm', 'a', ${n})`
  t.strictSame([...(await version(1))], [{ version: 1, state: { n: 1 }, labels: { role: 'web' } }])
  t.strictSame([...(await version(2))], [{ version: 2, state: null, labels: {} }])
  for (const n of [0, 3, -1]) t.strictSame([...(await version(n))], [], String(n))
})

t.test('what changed between two times is told as what it came to', async (t) => {
  const { engine } = await testEngine(t)
  const { sql } = engine
  await decide(
    engine,
    ...['same', 'changed', 'relabelled', 'deleted', 'replaced'].map((name) =>
      create('vm', name, { n: 1 }, { labels: { role: 'web' } }),
    ),
  )
  const before = await momentOf(sql, await decide(engine, create('vm', 'untouched', { n: 1 })))
  await decide(
    engine,
    update('vm', 'same', { n: 1 }),
    update('vm', 'changed', { n: 2 }),
    update('vm', 'relabelled', { n: 1 }, { labels: { role: 'db' } }),
    remove('vm', 'deleted'),
    remove('vm', 'replaced'),
    create('vm', 'created', { n: 1 }),
    create('vm', 'passed', { n: 1 }),
  )
  const after = await momentOf(
    sql,
    await decide(engine, create('vm', 'replaced', { n: 1 }), remove('vm', 'passed')),
  )
  await decide(engine, update('vm', 'created', { n: 2 }))
  const changed = (a: string, b: string) => sql<{ name: string; change: string }[]>`
    select name, change
    from foreword.changed_between(${scope}, ${a}::text::timestamptz, ${b}::text::timestamptz)`
  t.strictSame(
    Object.fromEntries((await changed(before, after)).map(({ name, change }) => [name, change])),
    {
      changed: 'changed',
      created: 'created',
      deleted: 'deleted',
      passed: 'passed',
      relabelled: 'changed',
      replaced: 'replaced',
      same: 'touched',
    },
  )
  t.strictSame([...(await changed(after, after))], [], 'no time, no change')
  t.equal(await changed(after, before).then(() => '', codeOf), 'FW028')
})

const refused = async (t: Test, sql: Sql): Promise<void> => {
  const code = (text: string): Promise<string> => sql.unsafe(text).then(() => '', codeOf)
  t.equal(await code(`select foreword.assumed_at('acme', 'vm', 'a', null)`), 'FW028')
  t.equal(await code(`select foreword.assumed_at('', 'vm', 'a', now())`), 'FW025')
  t.equal(await code(`select foreword.assumed_at(null, 'vm', 'a', now())`), 'FW025')
  t.equal(await code(`select * from foreword.assumed_at('acme', null::timestamptz)`), 'FW028')
  t.equal(await code(`select * from foreword.changed_between('acme', now(), null)`), 'FW028')
}

t.test('a reader may ask, and is told what is wrong with a question', async (t) => {
  const { engine, url } = await testEngine(t)
  await decide(engine, create('vm', 'a', { n: 1 }))
  const { sql } = await loginAs(t, { url, sql: engine.sql }, ['foreword_reader'])
  t.match(await assumedAt(sql, 'a', 'now'), { version: 1, state: { n: 1 } })
  t.match(await assumedAt(sql, 'nobody', 'now'), { version: 0, state: null, labels: {} })
  t.match(await assumedAt(sql, 'a', '-infinity'), { version: 0, state: null })
  t.match(await assumedAt(sql, 'a', 'infinity'), { version: 1 })
  const kinds = await sql`select kind, name from foreword.assumed_at('acme', now(), 'vm')`
  t.strictSame([...kinds], [{ kind: 'vm', name: 'a' }])
  t.strictSame([...(await sql`select name from foreword.assumed_at('acme', now(), 'ip')`)], [])
  await refused(t, sql)
})
