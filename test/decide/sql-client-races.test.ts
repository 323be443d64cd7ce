/**
 * Clients of SQL and deciders in TypeScript that meet. In each race both act on the same ground, and
 * whoever acts takes it from the other: in every order exactly one may act, and the other one, deciding
 * again on fresh reads, must see why not.
 */
import t, { type Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import {
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type Assumed,
  type Facts,
  type IntentDraft,
  type Queries,
  type Reads,
} from '../../src/domain/decider.ts'
import { conflict_sqlstates } from '../../src/domain/retry-policy.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { codeOf, type Reserved } from '../../src/store/connect.ts'
import { onEachServer } from '../support/each-server.ts'
import { testEngine } from '../support/engine.ts'
import type { ServerVersion } from '../support/servers.ts'
import {
  begin,
  commit,
  doneOrBlocked,
  inTransaction,
  sql_client,
  sqlClient,
  sqlstateOf,
  typescript,
} from '../support/sql-client.ts'

type Acts = boolean

interface InSql {
  readonly read: (tx: Reserved, scope: string) => Promise<Acts>
  readonly intend: (tx: Reserved, scope: string) => Promise<unknown>
}

interface Race {
  readonly ground: string
  /** What is there before. */
  readonly before?: readonly IntentDraft[]
  /** Names that are known, and absent. */
  readonly known?: readonly string[]
  readonly read: (q: Queries) => Reads
  readonly mayAct: (facts: Facts<Reads>) => Acts
  readonly drafts: readonly IntentDraft[]
  readonly inSql: InSql
  /** The part of a second client of SQL, where it is not the same. */
  readonly otherInSql?: InSql
}

const web = { labels: { role: 'web' } }
const db = { labels: { role: 'db' } }
const size = { size: 'm' }

/** One intent of a client of SQL. */
const intend =
  (name: string, verb: string, options: object = {}): InSql['intend'] =>
  (tx, scope) => tx`
    select foreword.intend(
      ${scope},
      'vm',
      ${name},
      ${verb},
      ${verb === 'delete' ? null : JSON.stringify(size)}::text::jsonb,
      ${JSON.stringify(options)}::text::jsonb
    )`

const isAbsent =
  (name: string): InSql['read'] =>
  async (tx, scope) =>
    (await tx`select from foreword.assume(${scope}, 'vm', ${name}) where state is null`).length > 0

const isVersion1 =
  (name: string): InSql['read'] =>
  async (tx, scope) =>
    (await tx`select from foreword.assume(${scope}, 'vm', ${name}) where version = 1`).length > 0

const webCountIs =
  (count: number): InSql['read'] =>
  async (tx, scope) =>
    (await tx`select from foreword.find(${scope}, 'vm', 'role', 'web')`).length === count

const coresAreFree: InSql['read'] = async (tx, scope) => {
  const [row] = await tx<{ cores: number }[]>`select foreword.counter(${scope}, 'cores') as cores`
  return row?.cores === 0
}

const pool = (count: number) => ({
  read: (q: Queries): Reads => ({ pool: q.find('vm', { role: 'web' }) }),
  mayAct: (facts: Facts<Reads>) => (facts['pool'] as readonly unknown[]).length === count,
})

const crossed = {
  read: (q: Queries) => ({ theirs: q.get('vm', 'theirs') }),
  mayAct: (facts: Facts<Reads>) => facts['theirs'] === null,
  drafts: [create('vm', 'ours', size)],
  inSql: { read: isAbsent('ours'), intend: intend('theirs', 'create') },
  otherInSql: { read: isAbsent('theirs'), intend: intend('ours', 'create') },
}

const races: readonly Race[] = [
  {
    ground: 'one name that nobody has ever named',
    read: (q) => ({ it: q.get('vm', 'it') }),
    mayAct: (facts) => facts['it'] === null,
    drafts: [create('vm', 'it', size)],
    inSql: { read: isAbsent('it'), intend: intend('it', 'create') },
  },
  { ground: 'the absence of each other’s name, never named before', ...crossed },
  { ground: 'the absence of each other’s name, known', known: ['ours', 'theirs'], ...crossed },
  {
    ground: 'the absence of a name never named, and a row that is there',
    before: [create('vm', 'there', { size: 's' })],
    read: (q) => ({ there: q.get('vm', 'there') }),
    mayAct: (facts) => (facts['there'] as Assumed).version === 1,
    drafts: [create('vm', 'ours', size)],
    inSql: { read: isAbsent('ours'), intend: intend('there', 'update') },
    otherInSql: { read: isVersion1('there'), intend: intend('ours', 'create') },
  },
  {
    ground: 'a counter that nobody has counted yet, and a row that is there',
    before: [create('vm', 'there', { size: 's' })],
    read: (q) => ({ there: q.get('vm', 'there') }),
    mayAct: (facts) => (facts['there'] as Assumed).version === 1,
    drafts: [create('vm', 'ours', size, { counters: { cores: 4 } })],
    inSql: { read: coresAreFree, intend: intend('there', 'update') },
    otherInSql: {
      read: isVersion1('there'),
      intend: intend('ours', 'create', { counters: { cores: 4 } }),
    },
  },
  {
    ground: 'the last place in a pool that both want to enter by a create',
    ...pool(0),
    drafts: [create('vm', 'ours', size, web)],
    inSql: { read: webCountIs(0), intend: intend('theirs', 'create', web) },
  },
  {
    ground: 'a pool of two, of which each wants to delete another one',
    before: [create('vm', 'a', size, web), create('vm', 'b', size, web)],
    ...pool(2),
    drafts: [remove('vm', 'a')],
    inSql: { read: webCountIs(2), intend: intend('b', 'delete') },
    otherInSql: { read: webCountIs(2), intend: intend('a', 'delete') },
  },
  {
    ground: 'a pool of two, of which each wants to label another one away',
    before: [create('vm', 'a', size, web), create('vm', 'b', size, web)],
    ...pool(2),
    drafts: [update('vm', 'a', size, db)],
    inSql: { read: webCountIs(2), intend: intend('b', 'update', db) },
    otherInSql: { read: webCountIs(2), intend: intend('a', 'update', db) },
  },
  {
    ground: 'the last place in a pool that both want to enter by a label',
    before: [create('vm', 'a', size), create('vm', 'b', size)],
    ...pool(0),
    drafts: [update('vm', 'a', size, web)],
    inSql: { read: webCountIs(0), intend: intend('b', 'update', web) },
    otherInSql: { read: webCountIs(0), intend: intend('a', 'update', web) },
  },
  {
    ground: 'the last cores of a quota',
    read: (q) => ({ cores: q.counter('cores') }),
    mayAct: (facts) => facts['cores'] === 0,
    drafts: [create('vm', 'ours', size, { counters: { cores: 4 } })],
    inSql: { read: coresAreFree, intend: intend('theirs', 'create', { counters: { cores: 4 } }) },
  },
]

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

/** With its own intents it moves a gate, at which it can be held between its reads and its COMMIT. */
const deciderOf = (race: Race) =>
  defineDecider({
    name: 'in-typescript',
    version: 1,
    read: (q) => ({ ...race.read(q), gate: q.get('gate', 'gate') }),
    decide: (facts) =>
      race.mayAct(facts) ? [...race.drafts, update('gate', 'gate', {})] : refuse('was taken'),
  })

/** The second half of a SQL client's decision. */
const intendAndCommit = async (part: InSql, tx: Reserved, scope: string): Promise<void> => {
  await part.intend(tx, scope)
  await tx`select foreword.decide('in-sql')`
  await commit(tx)
}

/** As a client of SQL has to: from the start, until it has decided or sees that it may not. */
const decideInSql = async (
  part: InSql,
  tx: Reserved,
  scope: string,
): Promise<'decided' | 'refused'> => {
  for (let tries = 1; ; tries++) {
    try {
      return await inTransaction(tx, async () => {
        if (!(await part.read(tx, scope))) return 'refused'
        await part.intend(tx, scope)
        await tx`select foreword.decide('in-sql')`
        return 'decided'
      })
    } catch (error) {
      if (!conflict_sqlstates.has(codeOf(error)) || tries === 10) throw error
    }
  }
}

interface Ground {
  readonly engine: Engine
  readonly tx: Reserved
  readonly scope: string
}

const lay = async ({ engine, scope }: Ground, race: Race): Promise<void> => {
  const input = [...(race.before ?? []), create('gate', 'gate', {})]
  await engine.decide(say, { scope, input })
  if (race.known !== undefined) {
    await engine.sql`select foreword.prepare(${scope}, 'vm', variadic ${[...race.known]})`
  }
}

const oneActed = async (
  t: Test,
  { engine, scope }: Ground,
  ends: { readonly in_typescript: string; readonly in_sql: string },
): Promise<void> => {
  t.same(Object.values(ends).toSorted(), ['decided', 'refused'])
  const [log] = await engine.sql<{ decisions: number }[]>`
    select count(*)::integer as decisions
    from foreword.decision
    where scope = ${scope} and decider like 'in-%'`
  t.same(log, { decisions: 1 })
}

const sqlFirst = async (t: Test, ground: Ground, race: Race): Promise<void> => {
  const { engine, tx, scope } = ground
  await lay(ground, race)
  await begin(tx)
  t.ok(await race.inSql.read(tx, scope), 'it may act, as far as it can see')
  const theirs = engine.decide(deciderOf(race), { scope, input: undefined })
  await doneOrBlocked(engine.sql, theirs, typescript)
  const first = intendAndCommit(race.inSql, tx, scope)
  await doneOrBlocked(engine.sql, first, sql_client)
  const sqlstate = await sqlstateOf(first)
  if (sqlstate !== '') {
    t.match(sqlstate, /^(40001|40P01|23505)$/, 'told that somebody was first')
    await tx`rollback`
  }
  const in_sql = sqlstate === '' ? 'decided' : await decideInSql(race.inSql, tx, scope)
  await oneActed(t, ground, { in_typescript: (await theirs).type, in_sql })
}

const typescriptFirst = async (t: Test, ground: Ground, race: Race): Promise<void> => {
  const { engine, tx, scope } = ground
  await lay(ground, race)
  const gate = await engine.sql.reserve()
  await gate`begin`
  await gate`
    select from foreword_private.resource_state
    where resource = foreword_code.resource_id(${scope}, 'gate', 'gate')
    for update`
  const theirs = engine.decide(deciderOf(race), { scope, input: undefined })
  await doneOrBlocked(engine.sql, theirs, typescript)
  const ours = decideInSql(race.inSql, tx, scope)
  await doneOrBlocked(engine.sql, ours, sql_client)
  await gate`rollback`
  gate.release()
  const [in_sql, { type: in_typescript }] = await Promise.all([ours, theirs])
  await oneActed(t, ground, { in_typescript, in_sql })
}

const sqlTwice = async (t: Test, ground: Ground, race: Race, other: Reserved): Promise<void> => {
  const { engine, tx, scope } = ground
  await lay(ground, race)
  await begin(tx)
  t.ok(await race.inSql.read(tx, scope))
  const theirs = decideInSql(race.otherInSql ?? race.inSql, other, scope)
  await doneOrBlocked(engine.sql, theirs, sql_client)
  const sqlstate = await sqlstateOf(intendAndCommit(race.inSql, tx, scope))
  if (sqlstate !== '') await tx`rollback`
  const ours = sqlstate === '' ? 'decided' : await decideInSql(race.inSql, tx, scope)
  t.same([ours, await theirs].toSorted(), ['decided', 'refused'])
  const decisions = await engine.sql`
    select from foreword.decision where scope = ${scope} and decider = 'in-sql'`
  t.equal(decisions.length, 1)
}

const orders = [
  ['a client of SQL has read when TypeScript decides', sqlFirst],
  ['TypeScript has read when a client of SQL decides', typescriptFirst],
] as const

const race = async (t: Test, server: ServerVersion): Promise<void> => {
  const limits = { ...defaultLimits, decide_tries_max: 50 }
  const { engine, url } = await testEngine(t, { limits }, { server })
  const tx = await sqlClient(t, url)
  const other = await sqlClient(t, url)
  for (const it of races) {
    for (const [order, run] of orders) {
      const title = `of two on ${it.ground} exactly one acts: ${order}`
      await t.test(title, (t) => run(t, { engine, tx, scope: title }, it))
    }
    const title = `of two on ${it.ground} exactly one acts: both in SQL`
    await t.test(title, (t) => sqlTwice(t, { engine, tx, scope: title }, it, other))
  }
  const { checks } = await audit(auditStore(engine.sql))
  t.same(
    checks.filter((check) => check.violated > 0),
    [],
    'and the log has a serial order',
  )
}

onEachServer(t, 'whoever was first is seen by the other', race)
