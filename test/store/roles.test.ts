/** Who may do what: asked of the catalog, and really tried by users who log in. */
import t, { type Test } from 'tap'
import { connect } from '../../src/connect.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import {
  create,
  defineDecider,
  refuse,
  remove,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import { codeOf, type Sql } from '../../src/store/connect.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { allSettled, cloudWorld, engineOn, ledgerOf, testEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { loginAs, type Login } from '../support/login.ts'
import { testConfig } from '../support/settings.ts'
import { endOf, relationsOf, rightsOn } from './role-trials.ts'

const roles = ['foreword_decider', 'foreword_applier', 'foreword_reader', 'foreword_operator']

const nothing = '-----'
const reads = 's----'

/** What a role may do with every table of foreword_private, and with every view of foreword. */
const rights: Readonly<Record<string, { readonly tables: string; readonly views: string }>> = {
  foreword_decider: { tables: nothing, views: nothing },
  foreword_applier: { tables: nothing, views: nothing },
  foreword_reader: { tables: nothing, views: reads },
  foreword_operator: { tables: nothing, views: reads },
  nobody: { tables: nothing, views: nothing },
}

/** What views ask as whoever reads them: for everybody, and reached by hand by those only who may use the schema. */
const for_everybody = ['foreword_code.live_kinds', 'foreword_code.without_paths']

/** Which functions a role may call besides; none else, and nobody else. */
const callable: Readonly<Record<string, readonly string[]>> = {
  foreword_decider: [
    'foreword.assume',
    'foreword.committed',
    'foreword.counter',
    'foreword.decide',
    'foreword.find',
    'foreword.intend',
    'foreword.observe',
    'foreword.prepare',
    'foreword.unwant',
    'foreword.want',
    'foreword_code.count_kinds',
    'foreword_code.deployed_hash',
    'foreword_code.entries_of',
    'foreword_code.note_conflicts',
    'foreword_code.prepare',
    'foreword_code.read',
    'foreword_code.record',
    'foreword_code.record_one',
    'foreword_code.wake',
  ],
  foreword_applier: [
    'foreword.observe',
    'foreword_code.budget_wait',
    'foreword_code.certify',
    'foreword_code.claim',
    'foreword_code.claim_again',
    'foreword_code.deployed_hash',
    'foreword_code.earlier_doubt',
    'foreword_code.end_again',
    'foreword_code.enter_worker',
    'foreword_code.forget_gone',
    'foreword_code.intents_of',
    'foreword_code.leave_worker',
    'foreword_code.note_answers',
    'foreword_code.note_looks',
    'foreword_code.outputs_of',
    'foreword_code.release',
    'foreword_code.settle',
    'foreword_code.sweep',
    'foreword_code.take_call',
    'foreword_code.traces_of',
    'foreword_code.withdraw',
  ],
  foreword_reader: [
    'foreword.assumed_at',
    'foreword.assumed_at_version',
    'foreword.changed_between',
    'foreword.kinds',
    'foreword.search',
    'foreword_code.deployed_hash',
    'foreword_code.recorded_decisions',
    'foreword_code.recorded_intents',
    'foreword_code.recorded_premises',
  ],
  foreword_operator: [
    'foreword.approve',
    'foreword.assumed_at',
    'foreword.assumed_at_version',
    'foreword.cancel',
    'foreword.changed_between',
    'foreword.forget',
    'foreword.kinds',
    'foreword.observe',
    'foreword.pause',
    'foreword.resolve',
    'foreword.resume',
    'foreword.search',
    'foreword.unwant',
    'foreword.want',
    'foreword_code.deployed_hash',
    'foreword_code.recorded_decisions',
    'foreword_code.recorded_intents',
    'foreword_code.recorded_premises',
  ],
  nobody: [],
}

/** A user for each role, and one without any. */
const logins = async (t: Test, db: TestDatabase): Promise<ReadonlyMap<string, Login>> => {
  const made = new Map<string, Login>()
  for (const role of roles) made.set(role, await loginAs(t, db, [role]))
  return made.set('nobody', await loginAs(t, db, []))
}

t.test('a role reads the views or nothing, and no role reaches a table', async (t) => {
  const db = await testDatabase(t)
  const users = await logins(t, db)
  const relations = await relationsOf(db.sql)
  const wide = Math.max(...relations.map((r) => r.name.length))
  t.comment(`${' '.repeat(wide)}  ${[...users.keys()].join('  ')}`)
  for (const relation of relations) {
    const cells: string[] = []
    for (const [role, user] of users) {
      const { told, tried } = await rightsOn(user, relation)
      const expected = rights[role]?.[relation.is_table ? 'tables' : 'views']
      t.equal(told, expected, `${role} on ${relation.name}, by the catalog`)
      t.equal(tried, expected, `${role} on ${relation.name}, by trying`)
      cells.push(tried.padEnd(role.length))
    }
    t.comment(`${relation.name.padEnd(wide)}  ${cells.join('  ')}`)
  }
  const seen = relations.map((r) => r.name)
  for (const name of ['foreword_private.entry', 'foreword_private.deployment', 'foreword.health']) {
    t.ok(seen.includes(name), `${name} was among them`)
  }
})

t.test('the catalog knows of no right on foreword_private but the owner’s', async (t) => {
  const { sql } = await testDatabase(t)
  const others = await sql`
    select c.relname as on_what, g.privilege_type, g.grantee
    from pg_class c
    left join pg_attribute a on a.attrelid = c.oid
    cross join lateral aclexplode(c.relacl || a.attacl) g
    where c.relnamespace = 'foreword_private'::regnamespace and g.grantee <> c.relowner
    union all
    select n.nspname, g.privilege_type, g.grantee
    from pg_namespace n
    cross join lateral aclexplode(n.nspacl) g
    where n.nspname = 'foreword_private' and g.grantee <> n.nspowner`
  t.same(others, [])
})

interface Routine {
  readonly oid: number
  readonly name: string
  readonly definer: boolean
  readonly settings: readonly string[]
  /** Of those who may call it; '-' is everybody, the owner is left out. */
  readonly grantees: readonly string[]
  /** A call of it with nulls. */
  readonly call: string
}

const routinesOf = (sql: Sql): Promise<readonly Routine[]> => sql<Routine[]>`
  select
    p.oid::bigint as oid,
    n.nspname || '.' || p.proname as name,
    p.prosecdef as definer,
    coalesce(p.proconfig, '{}') as settings,
    array(
      select g.grantee::regrole::text
      from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
      where g.grantee <> p.proowner
      order by 1
    ) as grantees,
    format(
      'select %I.%I(%s)',
      n.nspname,
      p.proname,
      (
        select
          string_agg(
            case when p.provariadic <> 0 and a.position = p.pronargs then 'variadic ' else '' end
              || format('null::%s', a.type::regtype),
            ', '
            order by a.position
          )
        from unnest(p.proargtypes) with ordinality as a (type, position)
      )
    ) as call
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('foreword', 'foreword_code')
  order by 2`

t.test(
  'what runs as the owner has a search_path of its own, and is for listed roles',
  async (t) => {
    const { sql } = await testDatabase(t)
    const routines = await routinesOf(sql)
    for (const { name, definer, settings, grantees } of routines) {
      const expected = for_everybody.includes(name)
        ? ['-']
        : roles.filter((role) => callable[role]?.includes(name))
      t.same(grantees, expected.toSorted(), `${name} is for ${expected.join(', ') || 'its owner'}`)
      if (definer) t.ok(settings.includes('search_path=pg_catalog, pg_temp'), `${name} is definer`)
      else t.same(grantees, [], `${name} has its caller’s rights, which are none on tables`)
    }
    const known = new Set(routines.map((r) => r.name))
    t.same(
      Object.values(callable)
        .flat()
        .filter((name) => !known.has(name)),
      [],
      'all that are listed exist',
    )
  },
)

t.test('a role of one’s own that is given a view alone reads it', async (t) => {
  const db = await testDatabase(t)
  const { sql, user } = await loginAs(t, db, [])
  await db.sql.unsafe(`grant usage on schema foreword to ${user}`)
  const views = (await relationsOf(db.sql)).filter(({ is_table }) => !is_table)
  for (const { name } of views) {
    await db.sql.unsafe(`grant select on ${name} to ${user}`)
    t.equal(await endOf(sql, `select * from ${name}`), '', name)
    await db.sql.unsafe(`revoke select on ${name} from ${user}`)
  }
  t.ok(views.length > 20)
})

t.test('what a role was not given it cannot call', async (t) => {
  const db = await testDatabase(t)
  const routines = await routinesOf(db.sql)
  for (const [role, { sql }] of await logins(t, db)) {
    const told = await sql<{ name: string }[]>`
      select distinct n.nspname || '.' || p.proname as name
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where
        p.oid = any (${routines.map((r) => r.oid)}::oid[])
        and has_function_privilege(p.oid, 'execute')
        and has_schema_privilege(n.oid, 'usage')
      order by 1`
    const mine = role === 'nobody' ? [] : [...(callable[role] ?? []), ...for_everybody].toSorted()
    t.same(
      told.map((row) => row.name),
      mine,
      `${role}, by the catalog`,
    )
    const reached: string[] = []
    for (const { name, call } of routines) {
      if (mine.includes(name)) continue
      if ((await endOf(sql, call)) !== '42501') reached.push(name)
    }
    t.same(reached, [], `${role}, by trying`)
    t.comment(`${role}: ${callable[role]?.join(' ') || 'nothing'}`)
  }
})

t.test('a decider of any language decides in SQL, with its role alone', async (t) => {
  const db = await testDatabase(t)
  const { sql, user } = await loginAs(t, db, ['foreword_decider'])
  await sql`select foreword.prepare('acme', 'vm', 'a', 'b')`
  const [decided] = await sql.begin('isolation level serializable', async (tx) => {
    t.match(await tx`select * from foreword.assume('acme', 'vm', 'a')`, [{ version: 0 }])
    t.same(await tx`select * from foreword.find('acme', 'vm', 'role', 'web')`, [])
    t.same(await tx`select foreword.counter('acme', 'cores') as used`, [{ used: 0 }])
    await tx`
      select foreword.intend(
        'acme', 'vm', 'a', 'create', '{"size": "s"}',
        '{"labels": {"role": "web"}, "counters": {"cores": 4}, "needs": ["vm/b"]}'
      )`
    return tx<{ id: string }[]>`select foreword.decide('by-hand', 'a test') as id`
  })
  t.match(await db.sql`select id, decider, actor, premises from foreword.decision`, [
    { id: decided?.id, decider: 'by-hand', actor: user, premises: 4 },
  ])
  t.same(await sql`select foreword.committed(${decided?.id ?? ''}) as yes`, [{ yes: true }])
  const ids = [decided?.id ?? '', crypto.randomUUID()]
  t.match(await sql`select * from foreword_code.entries_of(${ids}::uuid[])`, [
    { decision: decided?.id, version: 1 },
  ])
})

t.test('who decides or writes at a weaker isolation level is refused, and told how', async (t) => {
  const db = await testDatabase(t)
  const { sql } = await loginAs(t, db, ['foreword_decider'])
  const calls = [
    `select * from foreword.assume('acme', 'vm', 'a')`,
    `select * from foreword.find('acme', 'vm')`,
    `select foreword.counter('acme', 'cores')`,
    `select foreword.intend('acme', 'vm', 'a', 'create', '{}')`,
    `select foreword.decide('by-hand')`,
    `select foreword_code.record('[]', '[]')`,
  ]
  const writes = ['resource_state', 'member', 'quota'].flatMap((table) => [
    `delete from foreword_private.${table}`,
    `truncate foreword_private.${table}`,
  ])
  const told = {
    code: 'FW001',
    message: /SERIALIZABLE transaction, this one is (READ COMMITTED|REPEATABLE READ)/,
    hint: 'Begin with: begin isolation level serializable',
  }
  for (const level of ['read committed', 'repeatable read']) {
    const at = (user: Sql, text: string) =>
      user.begin(`isolation level ${level}`, (tx) => tx.unsafe(text))
    for (const call of calls) await t.rejects(at(sql, call), told, `${call} at ${level}`)
    for (const write of writes) await t.rejects(at(db.sql, write), told, `${write} at ${level}`)
  }
  t.same(await db.sql`select from foreword_private.resource_state`, [], 'nothing was written')
})

const scope = 'acme'
/** Adds a member while there are fewer than `max`: they all meet. */
const join = defineDecider({
  name: 'join',
  version: 1,
  read: (q) => ({ pool: q.find('vm', { role: 'web' }), cores: q.counter('cores') }),
  decide: ({ pool }, input: { readonly name: string; readonly max: number }) =>
    pool.length >= input.max
      ? refuse('pool is full')
      : create('vm', input.name, {}, { labels: { role: 'web' }, counters: { cores: 1 } }),
})

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})

t.test('deciders in TypeScript need one role: conflicts are noted, appliers woken', async (t) => {
  const db = await testDatabase(t)
  const { url } = await loginAs(t, db, ['foreword_decider'])
  const limits = { ...defaultLimits, group_decisions_max: 1 }
  const engine = engineOn(t, url, testConfig(url, { limits }))
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      engine.decide(join, { scope, input: { name: `web-${i}`, max: 5 } }),
    ),
  )
  t.equal(results.filter((r) => r.type === 'decided').length, 5)
  t.ok((await db.sql`select from foreword.conflict`).length > 0, 'the aborted tries are counted')
  await engine.wakeup.flush()
  t.same(await db.sql`select task_identifier, max_attempts from graphile_worker.jobs`, [
    { task_identifier: 'foreword_wake', max_attempts: 1 },
  ])
})

t.test('deciders that share a transaction need no more than that', async (t) => {
  const db = await testDatabase(t)
  const { url } = await loginAs(t, db, ['foreword_decider'])
  const engine = engineOn(t, url, testConfig(url))
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      engine.decide(say, { scope, input: { drafts: [create('vm', `vm-${i}`, {})] } }),
    ),
  )
  t.ok(results.every((r) => r.type === 'decided'))
})

/** `record` called by hand, with whatever its caller says; how it ends. */
const recordAs = (
  sql: Sql,
  said: {
    readonly facts?: unknown
    readonly undoes?: readonly boolean[]
    readonly cause: string | null
    readonly plain: boolean
  },
  name: string,
): Promise<string> => {
  const decision = crypto.randomUUID()
  const head = {
    id: decision,
    scope,
    decider: 'by-hand',
    facts: said.facts ?? null,
    undoes: said.undoes?.[0] ?? null,
  }
  const change = {
    decision,
    cause: said.cause,
    resource: resourceId(scope, 'vm', name),
    scope,
    kind: 'vm',
    name,
    verb: 'update',
    state: { size: 'l' },
    undoes: said.undoes?.[1] ?? null,
  }
  return sql
    .begin(
      'isolation level serializable',
      (tx) =>
        tx`select foreword_code.record(${tx.json([head as Json])}, ${tx.json([change])}, null, ${said.plain})`,
    )
    .then(() => '', codeOf)
}

t.test('who may only decide gets past no pause by what he says', async (t) => {
  const db = await testDatabase(t)
  const decider = await loginAs(t, db, ['foreword_decider'])
  const engine = engineOn(t, decider.url, testConfig(decider.url))
  const drafts = [create('vm', 'a', {})]
  t.match(await engine.decide(say, { scope, input: { drafts } }), { type: 'decided' })
  await db.sql`select foreword.pause(${scope}, 'ada')`
  const said = [undefined, [true, true], [true, false], [false, true]]
  for (const undoes of said) {
    for (const plain of [false, true]) {
      const end = await recordAs(
        decider.sql,
        { cause: 'intent', plain, ...(undoes === undefined ? {} : { undoes }) },
        'a',
      )
      t.equal(end, undoes?.[0] !== true || plain ? 'FW050' : '42501', `${undoes?.join()}, ${plain}`)
    }
  }
})

t.test('who may only decide does not say what was seen, nor certifies himself', async (t) => {
  const db = await testDatabase(t)
  const decider = await loginAs(t, db, ['foreword_decider'])
  const engine = engineOn(t, decider.url, testConfig(decider.url))
  const drafts = [create('vm', 'a', {})]
  t.match(await engine.decide(say, { scope, input: { drafts } }), { type: 'decided' })
  const intent = { cause: 'intent', plain: false }
  for (const facts of [true, 'true', 't', 1]) {
    t.equal(await recordAs(decider.sql, { ...intent, facts }, 'a'), '42501', `facts ${facts}`)
  }
  for (const cause of ['observation', 'withdrawal', 'ruling', 'Intent', null]) {
    for (const plain of [false, true]) {
      const end = await recordAs(decider.sql, { cause, plain }, 'a')
      t.equal(end, plain ? 'FW011' : '42501', `cause ${cause}${plain ? ', said to be plain' : ''}`)
    }
  }
  t.equal(await recordAs(decider.sql, intent, 'a'), '', 'what he intends is his')
  t.equal(await recordAs(decider.sql, { ...intent, plain: true, facts: true }, 'a'), '')
  t.same(
    await db.sql`select version, certified from foreword.intent i
      join foreword.decision d on d.id = i.decision_id order by version`,
    [1, 2, 3].map((version) => ({ version, certified: false })),
    'and nothing of it has a certificate',
  )
  const applier = await loginAs(t, db, ['foreword_decider', 'foreword_applier'])
  const seen = { facts: true, cause: 'observation', plain: false }
  t.equal(await recordAs(applier.sql, seen, 'a'), '', 'an applier may say what was seen')
  t.equal(await recordAs(db.sql, seen, 'a'), '', 'and so may the owner')
})

t.test('a program connects with a role where the owner has migrated', async (t) => {
  const db = await testDatabase(t)
  const both = await loginAs(t, db, ['foreword_decider', 'foreword_reader'])
  await using foreword = await connect({ database: both.url })
  const result = await foreword.decide(say, { scope, input: { drafts: [create('vm', 'a', {})] } })
  if (result.type !== 'decided') throw new Error(result.type)
  t.match(await foreword.settled(result.decision, { timeout_ms: 0 }), {
    type: 'timeout',
    intents: [{ name: 'a', state: 'pending' }],
  })
})

t.test('who has no role, or an older database, is told so when connecting', async (t) => {
  const db = await testDatabase(t)
  const refused = async (url: string): Promise<ForewordError> => {
    const error = await connect({ database: url }).catch((e: unknown) => e)
    if (!(error instanceof ForewordError)) throw new Error('not refused', { cause: error })
    return error
  }
  const nobody = await loginAs(t, db, [])
  t.match(await refused(nobody.url), { message: /no role/, remedy: /foreword_decider/ })
  const decider = await loginAs(t, db, ['foreword_decider'])
  await db.sql`update foreword_private.deployment set hash = 'another'`
  t.match(await refused(decider.url), { message: /another version/, remedy: /foreword migrate/ })
  await db.sql`drop function foreword_code.deployed_hash`
  t.match(await refused(decider.url), { message: /another version/, remedy: /foreword migrate/ })
})

/** Lets a user with the applier's role alone carry out whatever is due until nothing is open. */
const applyAs = async (
  t: Test,
  world: Awaited<ReturnType<typeof cloudWorld>>,
  user: Login,
): Promise<readonly string[]> => {
  const { providers, engine } = world
  const applying = engineOn(t, user.url, testConfig(user.url, { providers }))
  await eventually('every intent settled', async () => {
    await applying.applyHere()
    return (await engine.sql`select from foreword.intent where settled_at is null`).length === 0
  })
  return (await allSettled(engine)).map((i) => `${i.verb} ${i.name} ${i.state}`)
}

t.test('an applier carries out, takes back and gives back with its role alone', async (t) => {
  const world = await cloudWorld(t)
  const { engine, cloud, url } = world
  await fetch(`${cloud.url}/v1/quotas`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-account': scope },
    body: JSON.stringify({ cores: 1 }),
  })
  const decide = async (...drafts: IntentDraft[]) =>
    t.match(await engine.decide(say, { scope, input: { drafts } }), { type: 'decided' })
  const address = { ref: 'ip/web#address' }
  await decide(
    create('ip', 'web', {}),
    create('vm', 'web', { size: 's', address }, { needs: ['ip/web'], counters: { cores: 1 } }),
    create('vm', 'big', { size: 'l' }),
  )
  await decide(remove('vm', 'web'))
  const user = await loginAs(t, { url, sql: engine.sql }, ['foreword_applier'])
  t.same((await applyAs(t, world, user)).toSorted(), [
    'create big rejected',
    'create web confirmed',
    'create web confirmed',
    'delete web confirmed',
  ])
  t.same(await engine.sql`select consumed from foreword.quota`, [{ consumed: 0 }])
  t.match(await ledgerOf(cloud), { effects: 3, max: 1 })
  t.match(await engine.sql`select stopped_at, alive from foreword.worker`, [{ alive: true }])
  t.same(await user.sql`select foreword_code.sweep() as taken`, [{ taken: 0 }])
  await user.sql`select foreword_code.note_looks(${user.sql.json([{ resource: crypto.randomUUID() }])})`
})

t.test('an operator wants, takes back, and decides nothing', async (t) => {
  const { engine, url } = await testEngine(t)
  const { sql, user } = await loginAs(t, { url, sql: engine.sql }, ['foreword_operator'])
  const want = () =>
    sql`select foreword.want('acme', 'vm', 'a', '{"size": "s"}', counters => '{"cores": 1}') as n`
  t.same(await want(), [{ n: 1 }])
  t.same(await want(), [{ n: 1 }], 'the same again changes nothing')
  t.match(await sql`select desired from foreword.resource`, [{ desired: { size: 's' } }])
  t.same(await sql`select foreword.unwant('acme', 'vm', 'a') as gone`, [{ gone: true }])
  t.match(await engine.sql`select wanted_by from foreword_private.desired`, [{ wanted_by: user }])
  const deciding = sql.begin(
    'isolation level serializable',
    (tx) => tx`select foreword.assume('acme', 'vm', 'a')`,
  )
  await t.rejects(deciding, { code: '42501' })
})
