/**
 * The law: a decision whose COMMIT was cut is never misresolved. What is decided, and what is not, is
 * read from the database itself, on connections that nobody cuts.
 */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { defaultLimits } from '../../src/domain/config.ts'
import { create, defineDecider, update } from '../../src/domain/decider.ts'
import { newDecisionId } from '../../src/domain/decision-id.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import type { DecideResult } from '../../src/domain/result.ts'
import type { Engine } from '../../src/foreword.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { commitOutcome } from '../../src/store/tombstone.ts'
import { isCommit, startCommitProxy, type Cut, type Statement } from '../support/commit-proxy.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const increment = defineDecider({
  name: 'increment',
  version: 1,
  read: (q, input: { readonly name: string }) => ({ it: q.get('number', input.name) }),
  decide: ({ it }, { name }) =>
    it === null
      ? create('number', name, { value: 1 })
      : update('number', name, { value: (it.state as { readonly value: number }).value + 1 }),
})

/** What a caller was told, and on which resource. */
interface Told {
  readonly name: string
  readonly result: DecideResult | Error
}

const tell = async (engine: Engine, name: string): Promise<Told> => {
  const result = await engine.decide(increment, { scope, input: { name } }).catch((e: unknown) => {
    if (e instanceof Error) return e
    throw e
  })
  return { name, result }
}

const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `n${i}`)

/** Ids of the decisions that a transaction has sent, to be recorded together or each for itself. */
const idsIn = ({ sql, bound }: Statement): readonly string[] => [
  ...new Set(
    [...`${sql}${bound}`.matchAll(/(?:"id":"|record_one\(')([0-9a-f-]{36})/g)].map(
      (match) => match[1] ?? '',
    ),
  ),
]

interface Truth {
  readonly decided: ReadonlySet<string>
  readonly abandoned: ReadonlySet<string>
  readonly entries: readonly {
    readonly id: number
    readonly decision: string
    readonly name: string
    readonly version: number
  }[]
  readonly values: ReadonlyMap<string, number>
}

const truthOf = async (sql: Sql): Promise<Truth> => {
  const decisions = await sql<{ id: string; abandoned: boolean }[]>`
    select id, abandoned from foreword_private.decision`
  const entries = await sql<Truth['entries'][number][]>`
    select e.id, e.decision, r.name, e.version
    from foreword_private.entry e
    join foreword_private.resource r on r.id = e.resource`
  const values = await sql<{ name: string; value: number }[]>`
    select name, (assumed ->> 'value')::integer as value from foreword.resource`
  const those = (abandoned: boolean) =>
    new Set(decisions.filter((d) => d.abandoned === abandoned).map((d) => d.id))
  return {
    decided: those(false),
    abandoned: those(true),
    entries,
    values: new Map(values.map((v) => [v.name, v.value])),
  }
}

/** Every way in which what was told is not what is there; one line each. */
const lies = (told: readonly Told[], truth: Truth): readonly string[] => {
  const found: string[] = []
  const decided = told.flatMap(({ name, result }) =>
    !(result instanceof Error) && result.type === 'decided' ? [{ name, ...result }] : [],
  )
  for (const { name, decision, intents } of decided) {
    const entries = truth.entries.filter((e) => e.decision === decision)
    const [entry] = entries
    const [intent] = intents
    if (!truth.decided.has(decision)) found.push(`${decision} was told and is not there`)
    if (entries.length !== 1) found.push(`${decision} has ${entries.length} entries`)
    if (intents.length !== 1 || intent?.id !== entry?.id || entry?.name !== name) {
      found.push(`${decision} was told with intents that are not its own`)
    }
  }
  const ids = new Set(decided.map((d) => d.decision))
  if (ids.size !== decided.length) found.push('one decision was told to two callers')
  for (const id of truth.decided) if (!ids.has(id)) found.push(`${id} is there and was not told`)
  for (const e of truth.entries) {
    if (!truth.decided.has(e.decision)) found.push(`entry ${e.id} belongs to no decision`)
  }
  for (const name of new Set([...told.map((d) => d.name), ...truth.values.keys()])) {
    const times = decided.filter((d) => d.name === name).length
    const value = truth.values.get(name) ?? 0
    if (value !== times) found.push(`${name} was decided ${times} times and stands at ${value}`)
  }
  return found
}

/** Ids of the decisions that callers were told. */
const idsOf = (told: readonly Told[]): ReadonlySet<string> =>
  new Set(
    told.flatMap(({ result }) =>
      !(result instanceof Error) && result.type === 'decided' ? [result.decision] : [],
    ),
  )

/** A SELECT by id: the resolver that everybody writes first. True: it committed. */
const naive = async (sql: Sql, id: string): Promise<boolean> => {
  const rows = await sql`
    select from foreword_private.decision d where d.id = ${id} and not d.abandoned`
  return rows.length > 0
}

type Kind = Cut['type']
const kinds: readonly Kind[] = ['before', 'after', 'late', 'stray', 'during', 'disowned']

interface Dealt {
  readonly kind: Kind
  readonly ids: readonly string[]
}

/** Deals cuts to every other COMMIT, lone ones and those of groups from a stack of their own. */
const dealer = (sql: Sql, each: Readonly<Record<Kind, number>>) => {
  const stack = (): Kind[] =>
    Array.from({ length: Math.max(...Object.values(each)) }, (_, i) =>
      kinds.filter((kind) => i < each[kind]),
    ).flat()
  const stacks = { lone: stack(), grouped: stack() }
  const seen = { lone: 0, grouped: 0 }
  const dealt: Dealt[] = []
  const seen_by_naive = new Map<string, boolean>()

  const late = (ids: readonly string[]) => async (): Promise<void> => {
    for (const id of ids) seen_by_naive.set(id, await naive(sql, id))
    // The answer may not come while a lost transaction is open: long enough to be asked for meanwhile.
    await pause(60)
  }
  /** The server gets the decisions after their own tombstone, if it comes before the session times out. */
  const givenUp = (ids: readonly string[]) => () =>
    eventually(
      'a tombstone',
      () =>
        sql`select from foreword_private.decision where id = any (${[...ids]}::uuid[])`.then(
          (rows) => rows.length > 0,
        ),
      { deadline_ms: 300 },
    )
  const cutFor = (statement: Statement): Cut | null => {
    if (!isCommit(statement)) return null
    const ids = idsIn(statement)
    const size = ids.length > 1 ? 'grouped' : 'lone'
    if (ids.length === 0 || seen[size]++ % 2 === 0) return null
    const kind = stacks[size].shift()
    if (kind === undefined) return null
    dealt.push({ kind, ids })
    if (kind === 'late') return { type: kind, until: late(ids) }
    if (kind === 'stray') return { type: kind, until: givenUp(ids) }
    // Twelve bytes are the whole CommandComplete; the transaction is not known to be over all the same.
    if (kind === 'during') return { type: kind, bytes: dealt.length % 2 === 0 ? 12 : 6 }
    return { type: kind }
  }
  return { cutFor, dealt, stacks, seen_by_naive }
}

t.test('a decision whose COMMIT was cut is never misresolved', async (t) => {
  const { url, sql } = await testDatabase(t)
  const { cutFor, dealt, stacks, seen_by_naive } = dealer(sql, {
    before: 20,
    after: 20,
    late: 20,
    stray: 8,
    during: 8,
    disowned: 8,
  })
  const proxy = await startCommitProxy(t, url, cutFor)
  const alone = engineOn(
    t,
    proxy.url,
    testConfig(proxy.url, { limits: { ...defaultLimits, group_decisions_max: 1 } }),
  )
  const together = engineOn(t, proxy.url, testConfig(proxy.url))

  const told: Told[] = []
  const run = async (engine: Engine, count: number): Promise<void> => {
    told.push(...(await Promise.all(namesOf(count).map((name) => tell(engine, name)))))
  }
  while (stacks.lone.length > 0) await run(alone, 6)
  while (stacks.grouped.length > 0) await run(together, 12)

  const truth = await truthOf(sql)
  t.same(lies(told, truth).slice(0, 10), [])
  t.ok(
    told.every(({ result }) => !(result instanceof Error) && result.type === 'decided'),
    'every caller got a decision in the end',
  )
  const cuts = (...kinds: readonly Kind[]) => dealt.filter((d) => kinds.includes(d.kind))
  t.same(
    kinds.map((kind) => cuts(kind).length),
    [40, 40, 40, 16, 16, 16],
  )
  t.equal(dealt.filter((d) => d.ids.length > 1).length, 84, 'half of them were groups')
  t.ok(
    cuts('before').some((d) => d.ids.every((id) => !truth.decided.has(id))),
    'what never reached the server did not happen',
  )
  t.ok(
    cuts('after', 'late', 'during', 'disowned').some((d) =>
      d.ids.every((id) => truth.decided.has(id)),
    ),
    'what reached the server did',
  )

  t.ok(
    cuts('stray').some((d) => d.ids.some((id) => truth.abandoned.has(id))),
    'what came after its own tombstone did not',
  )

  const wrong = [...seen_by_naive].filter(([id, there]) => there !== truth.decided.has(id))
  t.ok(wrong.length > 0, 'a SELECT by id would have been wrong')
  t.comment(
    `of ${seen_by_naive.size} decisions in 40 late COMMITs a SELECT by id misresolves ${wrong.length}`,
  )

  const told_ids = idsOf(told)
  const misresolved = (d: Dealt): boolean =>
    d.ids.some((id) => told_ids.has(id) !== truth.decided.has(id))
  t.equal(cuts('stray', 'during', 'disowned').filter(misresolved).length, 0)
  const count = cuts('before', 'after', 'late').filter(misresolved).length
  t.equal(count, 0)
  t.comment(`120 cut COMMITs: ${count} misresolved`)
})

const isTombstone = ({ sql }: Statement): boolean => sql.includes('foreword.committed(')

t.test(
  'a resolver whose own answer is lost does not take its tombstone for the decision',
  async (t) => {
    const { url, sql } = await testDatabase(t)
    const cuts: Cut[] = []
    const proxy = await startCommitProxy(t, url, (statement) =>
      isCommit(statement) || isTombstone(statement) ? (cuts.shift() ?? null) : null,
    )
    const engine = engineOn(t, proxy.url, testConfig(proxy.url))
    const told: Told[] = []
    for (const kind of ['before', 'after'] as const) {
      told.push(await tell(engine, 'n'))
      // The COMMIT, and then the tombstone twice.
      cuts.push({ type: kind }, { type: 'after' }, { type: 'during', bytes: 6 })
      told.push(await tell(engine, 'n'))
      t.same(cuts, [])
    }
    t.same(lies(told, await truthOf(sql)), [])
    t.same(
      told.map(
        ({ result }) => !(result instanceof Error) && result.type === 'decided' && result.tries,
      ),
      [1, 2, 1, 1],
      'decided again only where it had not been decided',
    )
  },
)

t.test('an outage right after COMMIT leaves nobody without the true answer', async (t) => {
  const { url, sql } = await testDatabase(t)
  const proxy = await startCommitProxy(t, url, (statement) => {
    if (!isCommit(statement) || !proxy.open || proxy.refused > 0) return null
    proxy.open = false
    return { type: 'after' }
  })
  const limits = { ...defaultLimits, pool_connections_max: 1 }
  const engine = engineOn(t, proxy.url, testConfig(proxy.url, { limits }))
  const telling = Promise.all(namesOf(5).map((name) => tell(engine, name)))
  await eventually('asked in vain', () => proxy.refused >= 3)
  proxy.open = true
  const told = await telling
  t.ok(told.some(({ result }) => !(result instanceof Error) && result.type === 'decided'))
  t.same(lies(told, await truthOf(sql)), [])
})

t.test('an outcome that nobody can tell is thrown as unknown, and says how to ask', async (t) => {
  const { url } = await testDatabase(t)
  const proxy = await startCommitProxy(t, url, () => null)
  proxy.open = false
  const sql = connectSql({ url: proxy.url, application_name: 'foreword:test', max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  const [a, b] = [newDecisionId(Date.now()), newDecisionId(Date.now())]
  const outcome = commitOutcome(sql, [a, b], { within_ms: 300 })
  for (const id of [a, b]) {
    const error = await outcome(id).catch((e: unknown) => e)
    if (!(error instanceof ForewordError)) throw new Error(`no ForewordError: ${String(error)}`)
    t.match(error.message, `the outcome of decision ${id} is unknown`)
    t.match(error.remedy, `select foreword.committed('${id}')`)
  }
  t.ok(proxy.refused >= 2, 'it was asked more than once')
})

t.test('a lock that does not come in time is no answer', async (t) => {
  const { url, sql: holder } = await testDatabase(t)
  for (const end of ['commit', 'rollback'] as const) {
    let asked = 0
    const proxy = await startCommitProxy(t, url, (statement) => {
      if (isTombstone(statement)) asked += 1
      return null
    })
    const connection = { lock_timeout: '50' }
    const sql = connectSql({
      url: proxy.url,
      application_name: 'foreword:test',
      max: 1,
      connection,
    })
    t.teardown(() => sql.end({ timeout: 1 }))
    const id = newDecisionId(Date.now())
    const tx = await holder.reserve()
    await tx`begin isolation level serializable`
    await tx`insert into foreword_private.decision (id, scope, decider) values (${id}, ${scope}, 'slow')`
    const outcome = commitOutcome(sql, [id])(id)
    await eventually('asked again', () => asked >= 3)
    await tx.unsafe(end)
    tx.release()
    t.match(
      await outcome,
      end === 'commit' ? { type: 'written' } : { type: 'conflict', id_spent: true },
    )
  }
})

t.test('a transaction that comes after its own tombstone cannot commit', async (t) => {
  const { sql } = await testDatabase(t)
  for (const size of [1, 3]) {
    for (const snapshot of ['older', 'younger']) {
      const ids = Array.from({ length: size }, () => newDecisionId(Date.now()))
      const lost = await sql.reserve()
      await lost`begin isolation level serializable`
      if (snapshot === 'older') await lost`select from foreword_private.resource_state`
      const outcome = commitOutcome(sql, ids)
      for (const id of ids) t.match(await outcome(id), { type: 'conflict', id_spent: true })
      const decisions = ids.map((id) => ({ id, scope, decider: 'late' }))
      await t.rejects(
        lost`select from foreword_code.record(${lost.json(decisions)}, '[]')`,
        { code: /^(23505|40001)$/ },
        `${size} decisions of a snapshot ${snapshot} than the tombstone meet it`,
      )
      const { command } = await lost`commit`
      t.equal(command, 'ROLLBACK')
      lost.release()
      t.same(await sql`select from foreword.decision where id = any (${ids}::uuid[])`, [])
    }
  }
})

t.test('whoever ends the sessions of deciders loses no decision', async (t) => {
  const { url, sql } = await testDatabase(t)
  const engine = engineOn(t, url, testConfig(url))
  const told: Told[] = []
  let ended = 0
  const endAll = async (): Promise<boolean> => {
    const rows = await sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where
        datname = current_database()
        and application_name = 'foreword:decide'
        and state <> 'idle'`
    ended += rows.length
    return ended >= 60
  }
  // More than the pool has: each of them must be replaced.
  const ending = eventually('sixty sessions ended', endAll, { deadline_ms: 60_000 })
  while (ended < 60) {
    told.push(...(await Promise.all(namesOf(8).map((name) => tell(engine, name)))))
  }
  await ending
  told.push(...(await Promise.all(namesOf(8).map((name) => tell(engine, name)))))
  t.same(lies(told, await truthOf(sql)), [])
  t.ok(
    told.slice(-8).every(({ result }) => !(result instanceof Error) && result.type === 'decided'),
    'and they go on as before',
  )
})
