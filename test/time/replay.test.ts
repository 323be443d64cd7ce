/** Replay: recorded decisions made again by other code. What changed is told, and nothing else. */
import t, { type Test } from 'tap'
import {
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type AnyDecider,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { replay, type Replayed } from '../../src/decide/replay.ts'
import type { ChangeRules } from '../../src/decide/changes.ts'
import type { Engine } from '../../src/foreword.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { replayStore } from '../../src/store/replay-store.ts'
import { testEngine } from '../support/engine.ts'

const scope = 'acme'

interface Input {
  readonly name: string
  readonly turn: number
}

/** Uses every kind of read, the clock, labels, counters, needs, and all verbs. */
const scale = defineDecider({
  name: 'scale',
  version: 1,
  read: (q, { name }: Input) => ({
    pool: q.find('vm', { role: 'web' }),
    both: q.getAll('vm', [name, 'shared']),
    cores: q.counter('cores'),
  }),
  decide: ({ pool, both: [one, shared], cores }, { name, turn }, { now }) => {
    const drafts: IntentDraft[] = []
    const labels = { role: turn % 3 === 0 ? 'db' : 'web' }
    const state = { turn, pool: pool.map((vm) => vm.name), cores, at: now.toISOString() }
    if (one === null) drafts.push(create('vm', name, state, { labels, counters: { cores: 2 } }))
    else if (turn % 7 === 0) drafts.push(remove('vm', name))
    else drafts.push(update('vm', name, state, turn % 2 === 0 ? { labels } : {}))
    if (turn % 5 === 0) {
      // Written without having been read.
      drafts.push(update('ip', 'blind', { turn }, { needs: [`vm/${name}`, 'vm/never'] }))
    }
    if (shared === null) drafts.push(create('vm', 'shared', { turn }))
    return drafts
  },
})

const scaling = (version: number, more: Partial<AnyDecider> = {}): AnyDecider => ({
  ...scale,
  version,
  ...more,
})

const seeding = defineDecider({
  name: 'seed',
  version: 1,
  read: () => ({}),
  decide: () => create('ip', 'blind', { turn: 0 }),
})

const recorded = async (engine: Engine, count: number): Promise<void> => {
  await engine.decide(seeding, { scope, input: undefined })
  const one = (turn: number) =>
    engine.decide(scale, {
      scope,
      input: { name: `m${turn % 13}`, turn },
      reason: `turn ${turn}`,
    })
  for (let turn = 0; turn < count; turn += 4) {
    // Some at once, so that they share transactions and read what others of the same one wrote.
    const results = await Promise.all([turn, turn + 1, turn + 2, turn + 3].map(one))
    const odd = results.find((r) => r.type !== 'decided')
    if (odd !== undefined) throw new Error(JSON.stringify(odd))
  }
}

const readOnly = (t: Test, url: string): Sql => {
  const sql = connectSql({
    url,
    application_name: 'foreword:test',
    max: 2,
    connection: { default_transaction_read_only: 'on' },
  })
  t.teardown(() => sql.end({ timeout: 5 }))
  return sql
}

const anything: ChangeRules = { providers: new Map(), policies: [] }

interface Asked {
  readonly deciders: readonly AnyDecider[]
  readonly since?: string
  readonly until?: string
  readonly decider?: string
  readonly scope?: string
}

const replayed = async (sql: Sql, asked: Asked): Promise<readonly Replayed[]> => {
  const deps = {
    store: replayStore(sql),
    rules: anything,
    deciders: new Map(asked.deciders.map((d) => [d.name, d])),
  }
  const filter = {
    since: asked.since ?? '2020-01-01T00:00:00Z',
    until: asked.until ?? '2100-01-01T00:00:00Z',
    scope: asked.scope ?? null,
    decider: asked.decider ?? null,
  }
  const all: Replayed[] = []
  for await (const one of replay(deps, filter)) all.push(one)
  return all
}

const counted = (all: readonly Replayed[]): Readonly<Record<string, number>> => {
  const count: Record<string, number> = {}
  for (const { replay: r } of all) count[r.type] = (count[r.type] ?? 0) + 1
  return count
}

t.test('on 1,000 recorded decisions exactly the planted change is told', async (t) => {
  const { engine, url } = await testEngine(t)
  await recorded(engine, 1_000)
  const sql = readOnly(t, url)
  const same = await replayed(sql, { deciders: [scaling(1), seeding] })
  const odd = same.filter(({ replay: r }) => r.type !== 'same')
  t.strictSame(
    odd.slice(0, 3).map((one) => one.replay),
    [],
    'the same code comes to the same',
  )
  t.equal(same.length, 1_001)

  const changed: AnyDecider = {
    ...scale,
    version: 2,
    decide: (facts, input: Input, context) => {
      const drafts = scale.decide(facts as never, input, context as never) as IntentDraft[]
      if (input.turn % 100 !== 42) return drafts
      return drafts.map((draft) => ({ ...draft, labels: { role: 'planted' } }))
    },
  }
  const after = await replayed(sql, { deciders: [changed, seeding] })
  const differs = after.filter(({ replay: r }) => r.type !== 'same')
  const turns = differs.map(({ decision }) => (decision.input as unknown as Input).turn)
  const expected = Array.from({ length: 10 }, (_, i) => i * 100 + 42)
  t.strictSame(
    turns.toSorted((a, b) => a - b),
    // A deletion leaves no labels, whatever is said of them.
    expected.filter((turn) => !differsNot(after, turn)),
  )
  t.ok(turns.length > 5, `${turns.length} decisions differ`)
  for (const { replay: r } of differs) {
    t.match(r, { type: 'differs', dropped: [], differences: [{ change: 'other' }] })
    if (r.type !== 'differs') continue
    for (const { paths } of r.differences)
      t.strictSame(
        paths.map((p) => p.path),
        ['labels.role'],
      )
  }
})

/** Whether all that a turn intended was a deletion. */
const differsNot = (all: readonly Replayed[], turn: number): boolean => {
  const one = all.find(({ decision }) => (decision.input as Partial<Input> | null)?.turn === turn)
  return one?.decision.intents.every(({ verb }) => verb === 'delete') ?? false
}

t.test('each outcome is told as what it is', async (t) => {
  const { engine, url } = await testEngine(t)
  await recorded(engine, 8)
  const sql = readOnly(t, url)
  const outcome = async (more: Partial<AnyDecider>): Promise<Replayed['replay'] | undefined> => {
    const all = await replayed(sql, { deciders: [scaling(2, more)], decider: 'scale' })
    t.equal(all.length, 8)
    const types = Object.keys(counted(all))
    t.equal(types.length, 1, types.join())
    return all.at(-1)?.replay
  }
  t.match(await outcome({ decide: () => refuse('not today') }), {
    type: 'refuses',
    reason: 'not today',
  })
  t.match(await outcome({ decide: () => Promise.resolve([]) as never }), {
    type: 'refuses',
    reason: /no promise/,
  })
  t.match(
    await outcome({
      decide: () => {
        throw new TypeError('of undefined')
      },
    }),
    { type: 'throws', message: 'of undefined' },
  )
  t.match(
    await outcome({
      read: () => {
        throw new TypeError('no reads')
      },
    }),
    { type: 'throws', message: 'no reads' },
  )
  t.match(await outcome({ decide: () => [] }), {
    type: 'differs',
    differences: [{ change: 'less', kind: 'vm' }],
  })
  const asking = (more: object): Partial<AnyDecider> => ({
    read: (q, input: Input) => ({ ...scale.read(q, input), ...more }),
  })
  const get = { type: 'get', kind: 'vm', name: 'other' }
  t.match(await outcome(asking({ other: get })), { type: 'reads', unread: ['vm/other'] })
  t.match(await outcome(asking({ other: { ...get, scope: 'elsewhere' } })), {
    unread: ['vm/other in elsewhere'],
  })
  t.match(
    await outcome(asking({ db: { type: 'find', kind: 'vm', labels: { role: 'db' }, max: 9 } })),
    {
      unread: ['vm with role=db'],
    },
  )
  t.match(await outcome(asking({ disks: { type: 'counter', metric: 'disks' } })), {
    unread: ['counter disks'],
  })
  const narrower = { type: 'find', kind: 'vm', labels: { zone: 'a', role: 'web' }, max: 9 }
  const all = await replayed(sql, {
    deciders: [scaling(2, asking({ narrower }))],
    decider: 'scale',
  })
  t.strictSame(counted(all), { same: 8 }, 'a part of what was found is known')
})

t.test('what is no longer asked for is told, though the intents are the same', async (t) => {
  const { engine, url } = await testEngine(t)
  const buying = (version: number, wide: boolean) =>
    defineDecider({
      name: 'buy',
      version,
      read: (q) => ({
        next: q.get('vm', 'next'),
        ...(wide ? { pool: q.find('vm', { role: 'web' }), cores: q.counter('cores') } : {}),
        ...(wide ? { other: q.get('ip', 'other') } : {}),
      }),
      decide: () => create('vm', 'next', { n: 1 }),
    })
  await engine.decide(buying(1, true), { scope, input: undefined })
  const [one] = await replayed(readOnly(t, url), { deciders: [buying(2, false)] })
  t.match(one?.replay, {
    type: 'reads',
    unread: [],
    dropped: ['ip/other', 'vm with role=web', 'counter cores'],
  })
})

t.test('what it thought is recorded, and thought no second time', async (t) => {
  const { engine, url } = await testEngine(t)
  let thinking = 0
  const pricing = (thoughtOf: (price: number) => unknown) =>
    defineDecider({
      name: 'price',
      version: 1,
      read: (q, { name }: { readonly name: string }) => ({ vm: q.get('vm', name) }),
      think: async () => {
        thinking += 1
        return Promise.resolve(thoughtOf(41 + thinking))
      },
      decide: (_facts, { name }, { thought }) => create('vm', name, { thought: String(thought) }),
    })
  const plain = pricing((price) => ({ price }))
  await engine.decide(plain, { scope, input: { name: 'a' } })
  await engine.decide(
    pricing(() => 'x'.repeat(70_000)),
    { scope, input: { name: 'b' } },
  )
  await engine.decide(
    pricing(() => new Map([[1, 2]])),
    { scope, input: { name: 'c' } },
  )
  await engine.decide(
    pricing(() => null),
    { scope, input: { name: 'd' } },
  )
  const all = await replayed(readOnly(t, url), { deciders: [plain] })
  t.equal(thinking, 4, 'never in a replay')
  t.strictSame(
    all.map((one) => one.replay.type),
    ['same', 'unknown', 'unknown', 'same'],
  )
  t.match(all[1]?.replay, { why: 'what it thought was not recorded' })
  const rows = await engine.sql`select thought from foreword.decision order by decided_at`
  t.strictSame(
    rows.map(({ thought }) => thought as unknown),
    [{ price: 42 }, null, null, null],
  )
})

t.test('what no decider at hand can make again is counted by its reason', async (t) => {
  const { engine, url } = await testEngine(t)
  const { sql } = engine
  await recorded(engine, 4)
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`select foreword.intend(${scope}, 'vm', 'by-hand', 'create', '{"n": 1}')`
    await tx`select foreword.decide('scale')`
  })
  const [intent] = await sql<{ id: number }[]>`select max(id) as id from foreword.intent`
  await sql.begin(
    'isolation level serializable',
    (tx) => tx`select foreword.cancel(${intent?.id ?? 0}, 'ada', 'no')`,
  )
  const all = await replayed(readOnly(t, url), { deciders: [scaling(1)] })
  const reasons = all.flatMap(({ replay: r }) => (r.type === 'unknown' ? [r.why] : []))
  t.strictSame(reasons.toSorted(), [
    'decided in SQL',
    'foreword’s own, of facts',
    'no such decider in the configuration',
  ])
  t.equal(counted(all)['same'], 4)
})

t.test('an answer of find() that the log does not bear out is not guessed', async (t) => {
  const { engine, url } = await testEngine(t)
  await recorded(engine, 40)
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      update foreword_private.decision d
      set premise_predicates = jsonb_set(d.premise_predicates, '{0,digest}', '"0"')
      where d.reason = 'turn 33'`
  })
  const all = await replayed(readOnly(t, url), { deciders: [scaling(1)], decider: 'scale' })
  t.strictSame(counted(all), { same: 39, unknown: 1 })
})

t.test('each decision of the time that was asked about comes once, in its order', async (t) => {
  const { engine, url } = await testEngine(t)
  const { sql } = engine
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    // Crowds within a millisecond, and years of silence.
    await tx`
      insert into foreword_private.decision (id, scope, decider, decider_version, decided_at)
      select
        gen_random_uuid(),
        'acme',
        'none',
        1,
        '2021-03-04'::timestamptz + (i / 1300) * interval '400 days' + (i % 3) * interval '1 us'
      from generate_series(1, 4000) as i`
  })
  const read_only = readOnly(t, url)
  const all = await replayed(read_only, { deciders: [] })
  const ids = await sql<{ id: string }[]>`
    select id from foreword.decision order by decided_at, id`
  t.strictSame(
    all.map(({ decision }) => decision.id),
    ids.map(({ id }) => id),
  )
  const part = await replayed(read_only, {
    deciders: [],
    since: '2021-03-04T00:00:00.000001Z',
    until: '2021-03-04T00:00:00.000002Z',
  })
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from foreword.decision
    where decided_at = '2021-03-04'::timestamptz + interval '1 us'`
  t.equal(part.length, row?.count)
  t.strictSame(await replayed(read_only, { deciders: [], scope: 'elsewhere' }), [])
})

t.test('an input that cannot be recorded is refused, and nothing is written', async (t) => {
  const { engine } = await testEngine(t)
  const taking = defineDecider({
    name: 'take',
    version: 1,
    read: (q, _input: unknown) => ({ one: q.get('vm', 'a') }),
    decide: () => create('vm', 'a', { n: 1 }),
  })
  const circle: Record<string, unknown> = {}
  circle['circle'] = circle
  for (const input of [circle, { n: 1n }, { bulk: 'x'.repeat(300_000) }, 'x'.repeat(300_000)]) {
    t.match(await engine.decide(taking, { scope, input }), { type: 'invalid', sqlstate: 'FW035' })
  }
  t.strictSame([...(await engine.sql`select id from foreword.decision`)], [])
})
