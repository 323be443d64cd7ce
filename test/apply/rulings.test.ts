/** Rulings of persons: what each does, who may be ruled upon when, and that nothing is done by halves. */
import t, { type Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { create, defineDecider, remove, update } from '../../src/domain/decider.ts'
import { applied, type Call, type Outcome } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { codeOf } from '../../src/store/connect.ts'
import { serializably } from '../../src/store/system.ts'
import { allSettled, cloudWorld, ledgerOf, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { loginAs } from '../support/login.ts'
import { say, scriptedProvider, type Script } from '../support/scripted-provider.ts'

const scope = 'acme'

const lostAnswer = { method: 'POST', fault: 'lose_response', p: 1, n: 1 }
const lostRequest = { method: 'POST', fault: 'lose_request', p: 1, n: 1 }

/** Makes one machine that the cloud has, or has not, and nobody knows; the number of its intent. */
const inDoubt = async (t: Test, fault: object) => {
  const world = await cloudWorld(t, {
    faults: { match: [fault] } as never,
    traits: { idempotency: 'none' },
  })
  await testWorker(t, world.engine)
  const drafts = [create('vm', 'a', { size: 's' }, { counters: { cores: 1 } })]
  await world.engine.decide(say, { scope, input: { drafts } })
  return { ...world, intent: await parkedIntent(world.engine) }
}

const parkedIntent = (engine: Engine): Promise<number> =>
  eventually('it waits for a person', async () => {
    const [row] = await engine.sql<{ id: number }[]>`
      select intent_id as id from foreword.doubt where waits_for_a_person`
    return row?.id
  })

/** A world of the test's own provider, with a worker unless told otherwise. */
const scripted = async (t: Test, script: Script, options: { readonly worker?: boolean } = {}) => {
  const { engine } = await testEngine(t, { providers: [scriptedProvider(script)] })
  if (options.worker !== false) await testWorker(t, engine)
  return engine
}

const lose = (): Promise<Outcome> => Promise.reject(new Error('reset'))

const stateOf = async (engine: Engine, intent: number): Promise<string | undefined> => {
  const [row] = await engine.sql<{ state: string }[]>`
    select state from foreword.intent where id = ${intent}`
  return row?.state
}

/** The state that a ruling returns, or the SQLSTATE that it is refused with. */
const ruled = async (engine: Engine, call: string): Promise<string | undefined> => {
  const [row] = await engine.sql.unsafe<{ state: string }[]>(`select foreword.${call} as state`)
  return row?.state
}
const refused = (engine: Engine, call: string): Promise<string> =>
  ruled(engine, call).then((state) => `not refused: ${state ?? ''}`, codeOf)

const auditIsClean = async (t: Test, engine: Engine): Promise<void> => {
  const report = await audit(auditStore(engine.sql))
  t.same(
    report.checks.filter((check) => check.violated > 0),
    [],
    'the audit agrees',
  )
}

t.test('happened: its effect is looked for and confirmed, and nothing is called', async (t) => {
  const { engine, cloud, intent } = await inDoubt(t, lostAnswer)
  const answer = await fetch(`${cloud.url}/v1/vms`, { headers: { 'x-account': scope } })
  const { items } = (await answer.json()) as { readonly items: readonly { id: string }[] }
  const id = items[0]?.id ?? ''
  t.equal(
    await ruled(engine, `resolve(${intent}, 'happened', 'ada', 'it is in the console', '${id}')`),
    'applied',
  )
  t.match(await allSettled(engine), [{ state: 'confirmed' }])
  t.match(await ledgerOf(cloud), { effects: 1, max: 1 })
  t.match(await engine.sql`select external_id from foreword.resource`, [{ external_id: id }])
  t.match(await engine.sql`select * from foreword.ruling`, [
    {
      intent_id: intent,
      kind: 'vm',
      name: 'a',
      verb: 'create',
      ruling: 'happened',
      by: 'ada',
      login: String,
      note: 'it is in the console',
      at: Date,
      state_before: 'in_doubt',
      reason_before: String,
      attempts: 1,
      external_id: id,
    },
  ])
  await auditIsClean(t, engine)
})

t.test('did_not_happen: called again, under the same key', async (t) => {
  const { engine, cloud, intent } = await inDoubt(t, lostRequest)
  t.equal(
    await ruled(engine, `resolve(${intent}, 'did_not_happen', 'ada', 'not in the console')`),
    'pending',
  )
  t.match(await allSettled(engine), [{ state: 'confirmed' }])
  t.match(await ledgerOf(cloud), { effects: 1, max: 1 })
  t.match(
    await engine.sql`select distinct idempotency_key from foreword.attempt`,
    [{ idempotency_key: String }],
    'one key for both calls',
  )
  await auditIsClean(t, engine)
})

t.test('retry: called again at the risk of a second effect, which is the person’s', async (t) => {
  const { engine, cloud, intent } = await inDoubt(t, lostAnswer)
  t.equal(await ruled(engine, `resolve(${intent}, 'retry', 'ada', 'two do no harm')`), 'pending')
  await eventually('it is called again', async () => {
    const { effects } = await ledgerOf(cloud)
    return effects === 2
  })
  t.match(await engine.sql`select ruling, by, note from foreword.ruling`, [
    { ruling: 'retry', by: 'ada', note: 'two do no harm' },
  ])
})

/** Who relies on `a` being there. */
const onA = defineDecider({
  name: 'on-a',
  version: 1,
  read: (q) => ({ a: q.get('vm', 'a') }),
  decide: ({ a }) =>
    a === null ? [] : [create('dns_record', 'a.example.', { type: 'A', records: ['192.0.2.1'] })],
})

const abandoned = async (
  t: Test,
  abandon: (engine: Engine, intent: number) => Promise<unknown>,
): Promise<void> => {
  const { engine, cloud, intent } = await inDoubt(t, lostRequest)
  const drafts = [create('vm', 'after', { size: 's' }, { needs: ['vm/a'] })]
  await engine.decide(say, { scope, input: { drafts } })
  await engine.decide(say, { scope, input: { drafts: [update('vm', 'a', { size: 'm' })] } })
  t.match(await engine.sql`select blocks from foreword.doubt`, [{ blocks: 2 }])
  await abandon(engine, intent)
  t.same(
    (await allSettled(engine)).map(({ verb, name, state }) => `${verb} ${name} ${state}`),
    ['create a cancelled', 'create after stale', 'update a stale'],
  )
  t.match(await ledgerOf(cloud), { effects: 0 })
  t.match(await engine.sql`select name, assumed from foreword.resource order by name`, [
    { name: 'a', assumed: null },
    { name: 'after', assumed: null },
  ])
  t.match(
    await engine.sql`
      select e.cause, e.assumed, d.decider, d.actor, d.reason
      from foreword_private.entry e
      join foreword_private.decision d on d.id = e.decision
      where e.cause <> 'intent'`,
    Array(2).fill({
      cause: 'ruling',
      assumed: null,
      decider: 'foreword/ruling',
      actor: 'ada',
      reason: `intent ${intent} was abandoned by ada: we do without it`,
    }),
  )
  t.match(await engine.sql`select consumed from foreword.quota`, [{ consumed: 0 }])
  await auditIsClean(t, engine)
}

const abandonCall = (intent: number): string =>
  `resolve(${intent}, 'abandon', 'ada', 'we do without it')`

t.test('abandon, at any isolation level: a worker takes its version back, and the rest', (t) =>
  abandoned(t, async (engine, intent) => {
    t.equal(await ruled(engine, abandonCall(intent)), 'rejected')
  }),
)

t.test('abandon, in a SERIALIZABLE transaction: all of it is done with the ruling', (t) =>
  abandoned(t, async (engine, intent) => {
    await serializably(engine.sql, async (tx) => {
      const rows = await tx.unsafe(`select foreword.${abandonCall(intent)} as state`)
      t.match(rows, [{ state: 'cancelled' }])
    })
    t.equal(await stateOf(engine, intent), 'cancelled')
  }),
)

t.test('what was abandoned and then rolled back is in doubt as before', async (t) => {
  const { engine, intent } = await inDoubt(t, lostRequest)
  await t.rejects(
    engine.sql.begin('isolation level serializable', async (tx) => {
      await tx.unsafe(`select foreword.${abandonCall(intent)}`)
      throw new Error('changed my mind')
    }),
    /changed my mind/,
  )
  t.equal(await stateOf(engine, intent), 'in_doubt')
  t.same(await engine.sql`select from foreword.ruling`, [])
})

const approving = (approve: readonly string[]) => ({
  policies: [{ scope: '*', kind: 'thing', approve }],
})

t.test('what a policy holds back is not touched before it is approved', async (t) => {
  const calls: string[] = []
  const provider = scriptedProvider({
    call: (call) => {
      calls.push(call.name)
      return Promise.resolve(applied({}))
    },
  })
  const { engine } = await testEngine(t, { providers: [provider], ...approving(['create']) })
  await testWorker(t, engine)
  const decide = (name: string) =>
    engine.decide(say, { scope, input: { drafts: [create('thing', name, {})] } })
  await decide('held')
  await decide('let go')
  const ids = await engine.sql<{ id: number; state: string; due_at: Date | null }[]>`
    select id, state, due_at from foreword.intent order by id`
  t.match(ids, Array(2).fill({ state: 'awaiting_approval', due_at: null }))
  const [held, let_go] = ids.map(({ id }) => id)
  t.equal(await ruled(engine, `approve(${let_go ?? 0}, 'ada')`), 'pending')
  await eventually('it is carried out', async () => {
    return (await stateOf(engine, let_go ?? 0)) === 'confirmed'
  })
  t.same(calls, ['let go'], 'the other one was not called for')
  t.equal(await stateOf(engine, held ?? 0), 'awaiting_approval')
  t.equal(await refused(engine, `approve(${let_go ?? 0}, 'ada')`), 'FW041')
  t.equal(await ruled(engine, `cancel(${held ?? 0}, 'bob', 'too dear')`), 'rejected')
  t.match(await allSettled(engine), [
    { state: 'cancelled', reason: 'cancelled by bob: too dear' },
    { state: 'confirmed' },
  ])
  t.same(calls, ['let go'])
  await auditIsClean(t, engine)
})

t.test('cancel takes back what was never called for, with all that relied on it', async (t) => {
  const { engine } = await cloudWorld(t)
  await engine.decide(say, { scope, input: { drafts: [create('vm', 'a', { size: 's' })] } })
  await engine.decide(onA, { scope, input: undefined })
  const [first] = await engine.sql<{ id: number }[]>`select id from foreword.intent order by id`
  await serializably(engine.sql, async (tx) => {
    t.match(await tx`select foreword.cancel(${first?.id ?? 0}, 'ada') as state`, [
      { state: 'cancelled' },
    ])
  })
  t.same(
    (await allSettled(engine)).map(({ name, state }) => `${name} ${state}`),
    ['a cancelled', 'a.example. stale'],
    'no worker was needed',
  )
  await testWorker(t, engine)
  await auditIsClean(t, engine)
})

t.test(
  'what was never sent, or refused with a request to wait, can be cancelled too',
  async (t) => {
    const engine = await scripted(t, {
      call: () => Promise.resolve({ type: 'rejected', reason: 'busy', retry_after_ms: 60_000 }),
    })
    await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
    const intent = await eventually('it was refused', async () => {
      const [row] = await engine.sql<{ id: number }[]>`
      select id from foreword.intent where state = 'pending' and attempts > 0`
      return row?.id
    })
    t.equal(await ruled(engine, `cancel(${intent}, 'ada')`), 'rejected')
    t.match(await allSettled(engine), [{ state: 'cancelled' }])
  },
)

t.test('what may have happened cannot be cancelled, nor what is through', async (t) => {
  let calls = 0
  const engine = await scripted(t, {
    traits: { idempotency: 'natural' },
    call: () => {
      calls += 1
      return calls === 1
        ? lose()
        : Promise.resolve({ type: 'rejected', reason: 'busy', retry_after_ms: 60_000 })
    },
  })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await eventually('it was lost, and then refused', async () => {
    const [row] = await engine.sql<{ id: number }[]>`
      select id from foreword.intent where state = 'pending' and attempts = 2`
    return row?.id
  })
  t.equal(await refused(engine, `cancel(${intent}, 'ada')`), 'FW041')
  t.equal(await stateOf(engine, intent), 'pending')
})

t.test('a ruling is refused whole, and says why', async (t) => {
  const engine = await scripted(t, { traits: { idempotency: 'none' }, call: lose })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await parkedIntent(engine)
  const wrong: readonly (readonly [call: string, sqlstate: string])[] = [
    [`resolve(${intent}, 'maybe', 'ada', 'x')`, 'FW043'],
    [`resolve(${intent}, null, 'ada', 'x')`, 'FW043'],
    [`resolve(${intent}, 'retry', 'ada', ' ')`, 'FW043'],
    [`resolve(${intent}, 'retry', 'ada', null)`, 'FW043'],
    [`resolve(${intent}, 'retry', '', 'x')`, 'FW043'],
    [`resolve(${intent}, 'retry', null, 'x')`, 'FW043'],
    [`resolve(${intent}, 'retry', 'ada', repeat('x', 4001))`, 'FW043'],
    [`resolve(${intent}, 'retry', 'ada', 'x', 'id-1')`, 'FW043'],
    [`resolve(${intent}, 'happened', 'ada', 'x', '')`, 'FW043'],
    [`resolve(${intent}, 'happened', 'ada', 'x', ' ')`, 'FW043'],
    [`resolve(${intent}, 'happened', 'ada', 'x', e'id\\n1')`, 'FW043'],
    [`resolve(${intent}, 'happened', 'ada', 'x', repeat('x', 4097))`, 'FW043'],
    [`resolve(999999, 'retry', 'ada', 'x')`, 'FW040'],
    [`resolve(null, 'retry', 'ada', 'x')`, 'FW040'],
    [`approve(${intent}, 'ada')`, 'FW041'],
    [`cancel(${intent}, 'ada')`, 'FW041'],
    [`cancel(999999, 'ada')`, 'FW040'],
  ]
  for (const [call, sqlstate] of wrong) t.equal(await refused(engine, call), sqlstate, call)
  t.same(await engine.sql`select from foreword.ruling`, [])
  t.match(await engine.sql`select state, due_at from foreword.intent`, [
    { state: 'in_doubt', due_at: null },
  ])
  await engine.sql.unsafe(`select foreword.${abandonCall(intent)}`)
  await allSettled(engine)
  t.equal(await refused(engine, `resolve(${intent}, 'retry', 'ada', 'x')`), 'FW041', 'settled')
})

t.test(
  'nobody rules while somebody looks, nor while a dead worker’s call may arrive',
  async (t) => {
    const script: Script = { traits: { idempotency: 'none' }, call: lose }
    const engine = await scripted(t, script, { worker: false })
    const worker = await engine.startWorker((reason) => t.bailout(reason))
    await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
    const intent = await parkedIntent(engine)
    await worker.stop()
    const { sql } = engine
    const ruling = `resolve(${intent}, 'did_not_happen', 'ada', 'x')`
    await sql`update foreword_private.entry set worker = 7 where id = ${intent}`
    t.equal(await refused(engine, ruling), 'FW042', 'leased')
    await sql`update foreword_private.entry set worker = null where id = ${intent}`
    await sql`
    update foreword_private.attempt
    set error_class = 'worker_lost', deadline_at = clock_timestamp() + interval '1 hour'`
    t.equal(await refused(engine, ruling), 'FW042', 'its bytes may be under way')
    await sql`update foreword_private.attempt set deadline_at = clock_timestamp()`
    t.equal(await ruled(engine, ruling), 'pending')
  },
)

t.test('of two persons who rule at once one is refused, and one ruling is kept', async (t) => {
  const engine = await scripted(t, { traits: { idempotency: 'none' }, call: lose })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await parkedIntent(engine)
  const told = await Promise.all(
    ['ada', 'bob', 'cyd'].map((by) =>
      ruled(engine, `resolve(${intent}, 'abandon', '${by}', 'x')`).catch(codeOf),
    ),
  )
  // Or a worker has it in hand already, to take it back.
  t.match(told.toSorted(), [/^FW04[12]$/, /^FW04[12]$/, 'rejected'])
  t.equal((await engine.sql`select from foreword.ruling`).length, 1)
})

t.test('a ruling that loses the race against a look-up is refused', async (t) => {
  const { engine, intent } = await inDoubt(t, lostAnswer)
  // The look-up holds the row, finds the effect, and commits after the person has begun to rule.
  let ruling: Promise<string> | undefined
  await engine.sql.begin(async (tx) => {
    await tx`
      update foreword_private.entry
      set state = 'applied', due_at = clock_timestamp() + interval '1 hour'
      where id = ${intent}`
    ruling = refused(engine, `resolve(${intent}, 'did_not_happen', 'ada', 'x')`)
    await eventually('it waits for the row', async () => {
      const rows = await engine.sql`
        select from pg_stat_activity
        where query like '%resolve(%' and wait_event_type = 'Lock' and datname = current_database()`
      return rows.length === 1
    })
  })
  t.equal(await ruling, 'FW041')
  t.equal(await stateOf(engine, intent), 'applied')
  t.same(await engine.sql`select from foreword.ruling`, [])
})

t.test('what a zombie learns after a ruling moves nothing, and its id is kept', async (t) => {
  const engine = await scripted(t, { traits: { idempotency: 'none' }, call: lose })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await parkedIntent(engine)
  const [before] = await engine.sql<{ epoch: number; worker: number }[]>`
    select epoch, worker from foreword.attempt where intent_id = ${intent}`
  await ruled(engine, abandonCall(intent))
  await allSettled(engine)
  const late = [
    { entry: intent, epoch: before?.epoch, number: 1, state: 'applied', external_id: 'late-1' },
  ]
  const resource = await engine.sql`select id as resource from foreword_private.resource`
  const moved = await engine.sql`
    select foreword_code.settle(
      ${before?.worker ?? 0},
      ${engine.sql.json([{ ...late[0], ...resource[0], outcome: 'applied' }] as never)}
    )`
  t.same(moved, [])
  t.equal(await stateOf(engine, intent), 'cancelled')
  t.match(await engine.sql`select outcome, external_id from foreword.attempt`, [
    { outcome: 'in_doubt', external_id: 'late-1' },
  ])
})

t.test('a second time it happened, where no look shows it: confirmed at that', async (t) => {
  const read = () => Promise.resolve({ state: { is: 'something else' } })
  const engine = await scripted(
    t,
    {
      traits: { idempotency: 'none', sightings: 1 },
      call: (call) => (call.name === 'a' ? lose() : Promise.resolve(applied({ is: 'it' }))),
      read,
    },
    { worker: false },
  )
  const worker = await engine.startWorker((reason) => t.bailout(reason))
  await engine.decide(say, {
    scope,
    input: {
      drafts: [
        create('thing', 'a', { is: 'it' }),
        create('thing', 'b', {}, { needs: ['thing/a'] }),
      ],
    },
  })
  const intent = await parkedIntent(engine)
  t.equal(await ruled(engine, `resolve(${intent}, 'happened', 'ada', 'I see it')`), 'applied')
  await engine.sql`
    update foreword_private.entry set applied_at = applied_at - interval '1 hour'`
  await parkedIntent(engine)
  t.match(await engine.sql`select reason, rulings from foreword.doubt`, [
    { reason: /said to be done, but no look shows it/, rulings: 1 },
  ])
  const waiting = () => engine.sql<{ waits: boolean }[]>`
    select i.due_at is null as waits from foreword.intent i where i.name = 'b'`
  await eventually('another one waits for it', async () => (await waiting())[0]?.waits)
  await worker.stop()
  t.equal(await ruled(engine, `resolve(${intent}, 'happened', 'ada', 'I do')`), 'confirmed')
  t.same(await waiting(), [{ waits: false }], 'and waits no more')
  t.equal(await stateOf(engine, intent), 'confirmed')
  t.equal((await engine.sql`select from foreword.ruling`).length, 2)
  await auditIsClean(t, engine)
})

t.test('a deletion that no look shows is confirmed by a person, and gives back', async (t) => {
  let calls = 0
  const engine = await scripted(t, {
    traits: { idempotency: 'none', sightings: 1 },
    call: (call) => {
      calls += 1
      return calls === 1 ? Promise.resolve(applied(call.spec as never)) : lose()
    },
    read: () => Promise.resolve({ state: {} }),
  })
  const decide = (draft: Parameters<typeof say.decide>[1]['drafts'][number]) =>
    engine.decide(say, { scope, input: { drafts: [draft] } })
  await decide(create('thing', 'a', {}, { counters: { cores: 4 } }))
  await allSettled(engine)
  await decide(remove('thing', 'a'))
  const intent = await parkedIntent(engine)
  await ruled(engine, `resolve(${intent}, 'happened', 'ada', 'gone')`)
  await engine.sql`
    update foreword_private.entry
    set applied_at = applied_at - interval '1 hour'
    where settled_at is null`
  await parkedIntent(engine)
  const again = `resolve(${intent}, 'happened', 'ada', 'it is gone, believe me')`
  t.equal(await refused(engine, again), 'FW001', 'what it consumed is read by deciders')
  await serializably(engine.sql, (tx) => tx.unsafe(`select foreword.${again}`))
  t.equal(await stateOf(engine, intent), 'confirmed')
  t.match(await engine.sql`select consumed from foreword.quota`, [{ consumed: 0 }])
  await auditIsClean(t, engine)
})

t.test('where an answer is its own proof, a ruling is', async (t) => {
  const engine = await scripted(t, {
    traits: { idempotency: 'none', sightings: 0 },
    call: lose,
    read: () => Promise.reject(new Error('nothing to look at')),
  })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await parkedIntent(engine)
  await ruled(engine, `resolve(${intent}, 'happened', 'ada', 'I saw it')`)
  t.match(await allSettled(engine), [{ state: 'confirmed' }])
})

t.test('a no to the call of a person’s risk leaves the first one in doubt', async (t) => {
  const calls: Call[] = []
  const engine = await scripted(t, {
    traits: { idempotency: 'none' },
    call: (call) => {
      calls.push(call)
      return calls.length === 1 ? lose() : Promise.resolve({ type: 'rejected', reason: 'exists' })
    },
  })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  const intent = await parkedIntent(engine)
  await ruled(engine, `resolve(${intent}, 'retry', 'ada', 'try')`)
  await eventually('it is parked again', async () => {
    return (await engine.sql`select from foreword.doubt where rulings = 1`).length === 1
  })
  t.match(await engine.sql`select reason, sent, answered from foreword.doubt`, [
    { reason: /^exists; but an earlier call/, sent: { attempt: 1 }, answered: 'reset' },
  ])
  await ruled(engine, `resolve(${intent}, 'did_not_happen', 'ada', 'it is another one')`)
  t.match(await allSettled(engine), [{ state: 'rejected', reason: 'exists' }])
})

t.test(
  'an operator rules at any isolation level, by name and by login; a reader may not',
  async (t) => {
    const { engine, url } = await testEngine(t, {
      policies: [{ scope: '*', kind: '*', approve: ['create'] }],
    })
    const db = { url, sql: engine.sql }
    const { sql, user } = await loginAs(t, db, ['foreword_operator'])
    const drafts = ['a', 'b', 'c'].map((name) => create('thing', name, { size: 's' }))
    await engine.decide(say, { scope, input: { drafts } })
    const [a, b, c] = await sql<{ id: number }[]>`select id from foreword.intent order by id`
    const reader = await loginAs(t, db, ['foreword_reader'])
    for (const call of [
      `approve(${a?.id ?? 0}, 'eve')`,
      `cancel(${a?.id ?? 0}, 'eve')`,
      `resolve(${a?.id ?? 0}, 'retry', 'eve', 'x')`,
    ]) {
      t.equal(
        await reader.sql.unsafe(`select foreword.${call}`).then(String, codeOf),
        '42501',
        call,
      )
    }
    t.same(await sql`select foreword.approve(${a?.id ?? 0}, 'ada') as s`, [{ s: 'pending' }])
    t.same(await sql`select foreword.cancel(${b?.id ?? 0}, 'ada') as s`, [{ s: 'rejected' }])
    await sql.begin('isolation level serializable', async (tx) => {
      t.same(await tx`select foreword.cancel(${c?.id ?? 0}, 'ada') as s`, [{ s: 'cancelled' }])
    })
    t.same(
      await reader.sql`select distinct by, login from foreword.ruling`,
      [{ by: 'ada', login: user }],
      'whoever he says that he is',
    )
  },
)

t.test('rulings are kept for ever', async (t) => {
  const { engine } = await inDoubt(t, lostAnswer)
  const { sql } = engine
  await sql`
    insert into foreword_private.ruling (entry, ruling, ruled_by, note, state_before, attempts)
    values (1, 'retry', 'ada', 'x', 'in_doubt', 1)`
  await t.rejects(sql`update foreword_private.ruling set note = 'y'`, { code: 'FW002' })
  await t.rejects(sql`delete from foreword_private.ruling`, { code: 'FW002' })
  await t.rejects(sql`truncate foreword_private.ruling`, { code: 'FW002' })
})
