/** Deciding in SQL, and in TypeScript beside it: one log, one assumed state, the same grounds recorded. */
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import { create, defineDecider, refuse, remove, update } from '../../src/domain/decider.ts'
import { conflict_sqlstates } from '../../src/domain/retry-policy.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { codeOf, type Reserved } from '../../src/store/connect.ts'
import { onEachServer } from '../support/each-server.ts'
import { testEngine } from '../support/engine.ts'
import {
  begin,
  commit,
  doneOrBlocked,
  inTransaction,
  sql_client,
  sqlClient,
  sqlstateOf,
} from '../support/sql-client.ts'

const scope = 'acme/prod'

interface World {
  readonly engine: Engine
  readonly url: string
  readonly tx: Reserved
}

const world = async (t: Parameters<typeof testEngine>[0]): Promise<World> => {
  const { engine, url } = await testEngine(t, {
    limits: { ...defaultLimits, decide_tries_max: 100 },
  })
  return { engine, url, tx: await sqlClient(t, url) }
}

const put = defineDecider({
  name: 'put',
  version: 1,
  read: (q, name: string) => ({ vm: q.get('vm', name) }),
  decide: ({ vm }, name) =>
    vm === null ? create('vm', name, { size: 's' }) : update('vm', name, { size: 'l' }),
})

const drop = defineDecider({
  name: 'drop',
  version: 1,
  read: (q, name: string) => ({ vm: q.get('vm', name) }),
  decide: (_facts, name) => remove('vm', name),
})

/** One create, read before or not, in a transaction that is open. */
const intendVm = (tx: Reserved, name: string, options = '{}') =>
  tx`select foreword.intend(${scope}, 'vm', ${name}, 'create', '{"size": "m"}', ${options}::text::jsonb)`

const decideIn = async (tx: Reserved, decider = 'in-sql'): Promise<string | null> => {
  const [row] = await tx<{ id: string | null }[]>`select foreword.decide(${decider}) as id`
  return row?.id ?? null
}

const createIn = (tx: Reserved, name: string, options?: string): Promise<string | null> =>
  inTransaction(tx, async () => {
    await intendVm(tx, name, options)
    return decideIn(tx)
  })

const written = async ({ engine }: World): Promise<unknown> => {
  const [row] = await engine.sql<{ decisions: number; entries: number; there: number }[]>`
    select
      (select count(*)::integer from foreword_private.decision) as decisions,
      (select count(*)::integer from foreword_private.entry) as entries,
      (select count(*)::integer from foreword_private.resource_state where version > 0) as there`
  return row
}
const nothing = { decisions: 0, entries: 0, there: 0 }

t.test(
  'what a client of SQL has decided TypeScript assumes, and the other way round',
  async (t) => {
    const w = await world(t)
    const { engine, tx } = w
    const assumed = async (): Promise<unknown> =>
      inTransaction(tx, async () => {
        const [row] = await tx`select * from foreword.assume(${scope}, 'vm', 'a')`
        return row
      })
    t.same(await assumed(), { version: 0, state: null, labels: {} })
    const decision = await createIn(tx, 'a', '{"labels": {"role": "web"}}')
    t.match(decision, /^[0-9a-f-]{36}$/)
    t.same(await assumed(), { version: 1, state: { size: 'm' }, labels: { role: 'web' } })
    t.match(await engine.decide(put, { scope, input: 'a' }), {
      type: 'decided',
      intents: [{ verb: 'update', version: 2 }],
    })
    t.same(await assumed(), { version: 2, state: { size: 'l' }, labels: { role: 'web' } })
    t.match(await engine.decide(drop, { scope, input: 'a' }), { type: 'decided' })
    t.same(await assumed(), { version: 3, state: null, labels: {} })
    const [row] = await engine.sql`
    select decider, actor = session_user as mine, reason, tries, intents
    from foreword.decision
    where id = ${decision}`
    t.same(row, { decider: 'in-sql', mine: true, reason: '', tries: 1, intents: 1 })
  },
)

const readAll = defineDecider({
  name: 'read-all',
  version: 1,
  read: (q) => ({
    there: q.get('vm', 'there'),
    gone: q.get('vm', 'gone'),
    never: q.get('vm', 'never'),
    web: q.find('vm', { role: 'web' }),
    empty: q.find('vm', { role: '' }),
    all: q.find('vm'),
    none: q.find('disk', { role: 'web' }),
    cores: q.counter('cores'),
    gpus: q.counter('gpus'),
  }),
  decide: () => create('note', 'in-typescript', {}),
})

const readAllInSql = (tx: Reserved, at: string): Promise<string | null> =>
  inTransaction(tx, async () => {
    await tx`
      select
        foreword.assume(${at}, 'vm', 'there'),
        foreword.assume(${at}, 'vm', 'gone'),
        foreword.assume(${at}, 'vm', 'never')`
    await tx`select from foreword.find(${at}, 'vm', 'role', 'web')`
    await tx`select from foreword.find(${at}, 'vm', 'role', '')`
    await tx`select from foreword.find(${at}, 'vm')`
    await tx`select from foreword.find(${at}, 'disk', 'role', 'web')`
    await tx`select foreword.counter(${at}, 'cores'), foreword.counter(${at}, 'gpus')`
    // Once more: what was read twice is one premise.
    await tx`select foreword.assume(${at}, 'vm', 'there')`
    await tx`select foreword.intend(${at}, 'note', 'in-sql', 'create', '{}')`
    return decideIn(tx)
  })

const groundsOf = async ({ engine }: World, id: string | null): Promise<unknown> => {
  const [row] = await engine.sql`
    select
      (
        select jsonb_agg(p order by p.resource)
        from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
      ) as resources,
      d.premise_predicates as predicates,
      d.premise_counters as counters
    from foreword_private.decision d
    where d.id = ${id}`
  return row
}

t.test('the same reads are the same premises, whoever made them, in either order', async (t) => {
  const w = await world(t)
  const { engine, tx } = w
  const typescript = async (at: string): Promise<string> => {
    const result = await engine.decide(readAll, { scope: at, input: undefined })
    return result.type === 'decided' ? result.decision : result.type
  }
  for (const [at, sql_first] of [
    ['sql first', true] as const,
    ['typescript first', false] as const,
  ]) {
    await inTransaction(tx, async () => {
      await tx`
        select
          foreword.intend(${at}, 'vm', 'there', 'create', '{}', '{"labels": {"role": "web"}, "counters": {"cores": 4}}'),
          foreword.intend(${at}, 'vm', 'other', 'create', '{}', '{"labels": {"role": ""}}'),
          foreword.intend(${at}, 'vm', 'more', 'create', '{}', '{"labels": {"role": "web"}}'),
          foreword.intend(${at}, 'vm', 'gone', 'create', '{}')`
      await decideIn(tx)
    })
    await engine.decide(drop, { scope: at, input: 'gone' })
    const early = sql_first ? await readAllInSql(tx, at) : null
    const theirs = await groundsOf(w, await typescript(at))
    const ours = await groundsOf(w, early ?? (await readAllInSql(tx, at)))
    t.same(ours, theirs, at)
    t.match(ours, {
      resources: { length: 5 },
      predicates: [{ found: 2, label: 'role', value: 'web', digest: /^[0-9a-f]{32}$/ }, {}, {}, {}],
      counters: [
        { metric: 'cores', consumed: 4, version: 1 },
        { metric: 'gpus', consumed: 0, version: 0 },
      ],
    })
  }
})

const take = defineDecider({
  name: 'take',
  version: 1,
  read: (q) => ({ cores: q.counter('cores') }),
  decide: ({ cores }, name: string) =>
    cores + 4 > 40 ? refuse('full') : create('vm', name, {}, { counters: { cores: 4 } }),
})

const takeInSql = async (tx: Reserved, name: string): Promise<boolean> => {
  for (;;) {
    try {
      return await inTransaction(tx, async () => {
        const [row] = await tx<
          { cores: number }[]
        >`select foreword.counter(${scope}, 'cores') as cores`
        if ((row?.cores ?? 0) + 4 > 40) return false
        await intendVm(tx, name, '{"counters": {"cores": 4}}')
        return (await decideIn(tx)) !== null
      })
    } catch (error) {
      if (!conflict_sqlstates.has(codeOf(error))) throw error
    }
  }
}

onEachServer(
  t,
  'a counter is never overdrawn, by clients of SQL and TypeScript together',
  async (t, server) => {
    const limits = { ...defaultLimits, decide_tries_max: 100 }
    const { engine, url } = await testEngine(t, { limits }, { server })
    const clients = await Promise.all([1, 2, 3].map(() => sqlClient(t, url)))
    const inSql = clients.map(async (tx, c) => {
      let taken = 0
      for (let n = 0; n < 4; n++) if (await takeInSql(tx, `sql-${c}-${n}`)) taken += 1
      return taken
    })
    const inTypescript = Array.from({ length: 12 }, (_, n) =>
      engine.decide(take, { scope, input: `ts-${n}` }),
    )
    const by_sql = (await Promise.all(inSql)).reduce((sum, taken) => sum + taken, 0)
    const results = await Promise.all(inTypescript)
    t.equal(by_sql + results.filter((r) => r.type === 'decided').length, 10)
    t.equal(results.filter((r) => r.type === 'gave_up').length, 0)
    t.same(await engine.sql`select consumed, version from foreword_private.quota`, [
      { consumed: 40, version: 10 },
    ])
  },
)

t.test('nothing is written without decide, and nothing before its COMMIT', async (t) => {
  const w = await world(t)
  const { tx } = w
  await inTransaction(tx, async () => {
    await tx`select foreword.assume(${scope}, 'vm', 'a'), foreword.counter(${scope}, 'cores')`
    await tx`select from foreword.find(${scope}, 'vm')`
    t.equal(await decideIn(tx), null, 'without an intent there is nothing to decide')
    await intendVm(tx, 'a', '{"labels": {"role": "web"}, "counters": {"cores": 4}}')
  })
  t.same(await written(w), nothing)
  await begin(tx)
  await intendVm(tx, 'a')
  await decideIn(tx)
  t.same(await written(w), nothing)
  await tx`rollback`
  t.same(await written(w), nothing)
})

t.test('what a transaction has noted ends with it, however it ends', async (t) => {
  const w = await world(t)
  const { tx } = w
  const note = async (): Promise<void> => {
    await tx`select foreword.assume(${scope}, 'vm', 'a'), foreword.counter(${scope}, 'cores')`
    await tx`select from foreword.find(${scope}, 'vm')`
    await intendVm(tx, 'b')
  }
  const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['commit', () => commit(tx)],
    ['rollback', () => tx`rollback`],
    ['error', async () => {
      t.equal(await sqlstateOf(tx`select 1 / 0`), '22012')
      await tx`rollback`
    }],
    ['decide and rollback', async () => {
      await decideIn(tx)
      await tx`rollback`
    }],
  ] // prettier-ignore
  for (const [how, end] of ends) {
    await begin(tx)
    await note()
    await end()
    await inTransaction(tx, async () => t.equal(await decideIn(tx), null, how))
  }
  await createIn(tx, 'c')
  t.same(
    await groundsOf(
      w,
      (await w.engine.sql<{ id: string }[]>`select id from foreword.decision`)[0]?.id ?? '',
    ),
    {
      resources: null,
      predicates: [],
      counters: [],
    },
  )
})

t.test('an intent that a savepoint took back is not decided', async (t) => {
  const w = await world(t)
  const { engine, tx } = w
  await inTransaction(tx, async () => {
    await tx`select foreword.assume(${scope}, 'vm', 'kept')`
    await intendVm(tx, 'kept')
    await tx`savepoint s`
    await intendVm(tx, 'taken-back')
    await tx`rollback to savepoint s`
    await intendVm(tx, 'after')
    await tx`savepoint s2`
    await intendVm(tx, 'released')
    await tx`release savepoint s2`
    await decideIn(tx)
  })
  t.same(
    (await engine.sql<{ name: string }[]>`select name from foreword.intent order by id`).map(
      (i) => i.name,
    ),
    ['kept', 'after', 'released'],
    'the others are, in the order in which they were intended',
  )
  t.match(await engine.sql`select premises from foreword.decision`, [{ premises: 1 }])
  await inTransaction(tx, async () => {
    await tx`savepoint s`
    await intendVm(tx, 'never')
    await decideIn(tx)
    await tx`rollback to savepoint s`
  })
  t.match(await written(w), { decisions: 1, entries: 3 })
})

t.test('two decisions of one transaction have each their own premises and intents', async (t) => {
  const w = await world(t)
  const { engine, tx } = w
  await engine.decide(put, { scope, input: 'a' })
  const [first, second] = await inTransaction(tx, async () => {
    await tx`select foreword.assume(${scope}, 'vm', 'a'), foreword.counter(${scope}, 'cores')`
    await intendVm(tx, 'b', '{"counters": {"cores": 4}}')
    const one = await decideIn(tx, 'first')
    const [b] = await tx`select version from foreword.assume(${scope}, 'vm', 'b')`
    t.same(b, { version: 1 }, 'the second sees what the first has written')
    const [count] = await tx`select foreword.counter(${scope}, 'cores') as cores`
    t.same(count, { cores: 4 })
    await tx`select foreword.intend(${scope}, 'vm', 'b', 'update', '{}', '{"counters": {"cores": 8}}')`
    return [one, await decideIn(tx, 'second')]
  })
  t.match(await groundsOf(w, first ?? ''), {
    resources: [{ version: 1 }],
    counters: [{ version: 0 }],
  })
  t.match(await groundsOf(w, second ?? ''), {
    resources: [{ version: 1 }],
    counters: [{ version: 1 }],
  })
  t.same(
    await engine.sql`
      select d.decider, i.verb, i.version
      from foreword.intent i
      join foreword.decision d on d.id = i.decision_id
      where d.decider <> 'put'
      order by i.id`,
    [
      { decider: 'first', verb: 'create', version: 1 },
      { decider: 'second', verb: 'update', version: 2 },
    ],
  )
  for (const id of [first, second]) {
    t.same(
      await engine.sql`select * from foreword_code.certify(${id})`,
      [],
      'it may be carried out',
    )
  }
  t.same(
    (await audit(auditStore(engine.sql))).checks.filter((check) => check.violated > 0),
    [],
  )
})

t.test(
  'a find does not follow a decision of its transaction that moved what it reads',
  async (t) => {
    const w = await world(t)
    const { tx } = w
    await begin(tx)
    await intendVm(tx, 'a', '{"labels": {"role": "web"}}')
    await decideIn(tx)
    t.equal(
      (await tx`select from foreword.find(${scope}, 'disk')`).length,
      0,
      'another kind is free',
    )
    t.equal((await tx`select from foreword.find('other', 'vm')`).length, 0, 'so is another scope')
    t.equal(await sqlstateOf(tx`select from foreword.find(${scope}, 'vm', 'role', 'db')`), 'FW016')
    await tx`rollback`
    await inTransaction(tx, async () => {
      t.equal((await tx`select from foreword.find(${scope}, 'vm')`).length, 0, 'it ends with it')
    })
  },
)

t.test('at a weaker isolation level each function says what it needs', async (t) => {
  const w = await world(t)
  const { tx } = w
  for (const mode of ['read committed', 'repeatable read']) {
    for (const call of [
      `foreword.assume('s', 'vm', 'a')`,
      `foreword.find('s', 'vm')`,
      `foreword.counter('s', 'cores')`,
      `foreword.intend('s', 'vm', 'a', 'create', '{}')`,
      `foreword.decide('in-sql')`,
    ]) {
      await begin(tx, mode)
      await t.rejects(
        tx.unsafe(`select * from ${call}`),
        {
          code: 'FW001',
          hint: /begin isolation level serializable/,
          message: new RegExp(mode, 'i'),
        },
        `${call} at ${mode}`,
      )
      await tx`rollback`
    }
  }
  for (const mode of ['repeatable read', 'serializable']) {
    await begin(tx, mode)
    await t.rejects(tx`select foreword.committed(gen_random_uuid())`, { code: 'FW001' }, mode)
    await tx`rollback`
  }
  t.same(await written(w), nothing)
})

t.test('a READ ONLY transaction can ask, and decide fails in it', async (t) => {
  const w = await world(t)
  const { engine, tx } = w
  await createIn(tx, 'a', '{"labels": {"role": "web"}, "counters": {"cores": 4}}')
  const before = await written(w)
  const preview = inTransaction(
    tx,
    async () => {
      t.match(await tx`select * from foreword.assume(${scope}, 'vm', 'a')`, [{ version: 1 }])
      t.match(await tx`select * from foreword.assume(${scope}, 'vm', 'never')`, [{ version: 0 }])
      t.equal((await tx`select from foreword.find(${scope}, 'vm', 'role', 'web')`).length, 1)
      t.match(await tx`select foreword.counter(${scope}, 'cores')`, [{ counter: 4 }])
      t.match(await tx`select foreword.counter(${scope}, 'never')`, [{ counter: 0 }])
      await intendVm(tx, 'b')
      return decideIn(tx)
    },
    'serializable read only',
  )
  t.equal(await sqlstateOf(preview), '25006')
  t.same(await written(w), before)
  t.same(await engine.sql`select from foreword_private.resource where name in ('never', 'b')`, [])
})

t.test('a thousand intents are one decision, each as it was meant', async (t) => {
  const w = await world(t)
  const { engine, tx } = w
  await inTransaction(tx, async () => {
    await tx`
      select foreword.intend(${scope}, 'vm', 'n' || i, 'create', jsonb_build_object('text', repeat('x', 300), 'i', i))
      from generate_series(1, 1000) i`
    await decideIn(tx)
  })
  t.same(
    await engine.sql`
    select count(*)::integer as right_ones
    from foreword.resource
    where desired is null and assumed = jsonb_build_object('text', repeat('x', 300), 'i', substr(name, 2)::integer)`,
    [{ right_ones: 1_000 }],
  )
  await inTransaction(tx, async () => {
    t.equal((await tx`select from foreword.find(${scope}, 'vm')`).length, 1_000)
    await tx`select count(*) from generate_series(1, 1000) i, foreword.assume(${scope}, 'vm', 'n' || i)`
    await intendVm(tx, 'one-more')
    await decideIn(tx)
  })
  t.match(await engine.sql`select premises from foreword.decision where intents = 1`, [
    { premises: 1_001 },
  ])
})

t.test('committed tells for good what became of a decision', async (t) => {
  const w = await world(t)
  const { engine, url, tx } = w
  const committed = async (id: string): Promise<unknown> =>
    (await engine.sql`select foreword.committed(${id})`)[0]?.['committed']
  const [done, never, open] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
  const decideAs = async (id: string, name: string): Promise<void> => {
    await intendVm(tx, name)
    t.match(await tx`select foreword.decide('in-sql', 'why', ${id})`, [{ decide: id }])
  }
  await inTransaction(tx, () => decideAs(done, 'a'))
  t.equal(await committed(done), true)
  t.equal(await committed(done), true, 'however often it is asked')
  t.equal(await committed(never), false)
  t.equal(await committed(never), false)
  t.match(await sqlstateOf(inTransaction(tx, () => decideAs(never, 'b'))), /^(23505|40001)$/)
  t.match(await written(w), { entries: 1 })

  for (const [end, expected] of [
    [commit, true],
    [(c: Reserved) => c`rollback`, false],
  ] as const) {
    const id = expected ? open : crypto.randomUUID()
    await begin(tx)
    await decideAs(id, `open-${String(expected)}`)
    const asker = await sqlClient(t, url)
    const asked = asker`select foreword.committed(${id})`.execute()
    const state = { answered: false }
    void asked.then(() => {
      state.answered = true
    })
    await doneOrBlocked(engine.sql, asked, sql_client)
    t.notOk(state.answered, 'it waits while that is not certain')
    await end(tx)
    t.same(await asked, [{ committed: expected }])
  }
})
