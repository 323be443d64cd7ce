import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json, JsonObject } from '../../src/domain/json.ts'
import { applied, rejected } from '../../src/domain/provider.ts'
import type { Lease } from '../../src/domain/ports.ts'
import type { Engine } from '../../src/foreword.ts'
import type { Reserved, TransactionSql } from '../../src/store/connect.ts'
import { applyLog } from '../../src/store/apply-log.ts'
import { jsonb } from '../../src/store/jsonb.ts'
import { serializably } from '../../src/store/system.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'

const scope = 'acme'

const many = defineDecider({
  name: 'many',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly count: number }) =>
    Array.from({ length: input.count }, (_, i) => create('vm', `vm-${i}`, { size: 's' })),
})

const takeBack = async (engine: Engine, intents: readonly number[]): Promise<void> => {
  const head = { scope, decider: 'foreword/withdraw', decider_version: 1, reason: 'a test' }
  await engine.sql.begin(
    'isolation level serializable',
    (tx) => tx`
      select foreword_code.withdraw(
        gen_random_uuid(),
        ${[...intents]}::bigint[],
        ${tx.json(head)},
        'a test'
      )`,
  )
}

t.test('what is taken back is locked in the order of ids, as decisions lock it', async (t) => {
  const { engine } = await testEngine(t)
  const decided = await engine.decide(many, { scope, input: { count: 60 } })
  if (decided.type !== 'decided') throw new Error(decided.type)
  await takeBack(
    engine,
    decided.intents.map((intent) => intent.id),
  )
  // Each entry is numbered as its row is moved.
  const rows = await engine.sql<{ resource: string }[]>`
    select resource from foreword_private.entry where cause = 'withdrawal' order by id`
  const moved = rows.map((row) => row.resource)
  t.equal(moved.length, 60)
  t.same(moved, moved.toSorted())
})

/**
 * Creates a machine on the grounds that vm-0 is at its first version, whatever it is: as if Postgres had
 * forgotten the conflict with who has moved it on. Returns the intent.
 */
const createOn = async (engine: Engine, name: string, options: JsonObject): Promise<number> => {
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`
      select
        foreword_code.note(
          'premises',
          jsonb_build_object(
            'resource', foreword_code.resource_id(${scope}, 'vm', 'vm-0'),
            'version', 1
          )::text
        )`
    await tx`select foreword.intend(${scope}, 'vm', ${name}, 'create', '{"size": "s"}', ${jsonb(tx, options)})`
    await tx`select foreword.decide(${name})`
  })
  const [row] = await engine.sql<{ id: number }[]>`
    select id from foreword.intent where name = ${name}`
  return row?.id ?? 0
}

/** Updates vm-0 on the grounds of what was there before `meanwhile`. */
const updateLate = async (
  engine: Engine,
  read: string,
  meanwhile: () => Promise<unknown>,
): Promise<void> => {
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx.unsafe(`select from foreword.assume('${scope}', 'vm', 'vm-0')`)
    await tx.unsafe(`select from ${read}`)
    await meanwhile()
    await tx`select foreword.intend(${scope}, 'vm', 'vm-0', 'update', '{"size": "l"}')`
    await tx`select foreword.decide('late')`
  })
}

t.test('who was taken back as a whole stands in no circle', async (t) => {
  const { engine } = await cloudWorld(t)
  await engine.decide(many, { scope, input: { count: 1 } })
  await engine.sql`select foreword.prepare(${scope}, 'vm', 'joins')`
  let joined = 0
  await updateLate(engine, `foreword.find('${scope}', 'vm', 'role', 'web')`, async () => {
    joined = await createOn(engine, 'joins', { labels: { role: 'web' } })
  })
  await takeBack(engine, [joined])
  await testWorker(t, engine)
  t.match(await allSettled(engine), [
    { name: 'vm-0', verb: 'create', state: 'confirmed' },
    { name: 'joins', state: 'stale' },
    { name: 'vm-0', verb: 'update', state: 'confirmed' },
  ])
})

t.test('a circle that leads past what was taken back is found', async (t) => {
  const { engine } = await cloudWorld(t)
  await engine.decide(many, { scope, input: { count: 1 } })
  await engine.sql`select foreword.prepare(${scope}, 'vm', 'consumes', 'consumes-too')`
  await engine.sql`
    select foreword_code.prepare('{}', '{}', '{}', array[${scope}], array['cores'])`
  const consumes = { counters: { cores: 1 } }
  let consumed = 0
  await updateLate(engine, `foreword.counter('${scope}', 'cores')`, async () => {
    consumed = await createOn(engine, 'consumes', consumes)
    await createOn(engine, 'consumes-too', consumes)
  })
  await takeBack(engine, [consumed])
  await testWorker(t, engine)
  const states = (await allSettled(engine)).map(({ state }) => state)
  t.same(states.toSorted(), ['confirmed', 'confirmed', 'stale', 'stale'])
})

t.test('those that wait for a person leave their worker its connections', async (t) => {
  const provider = scriptedProvider({
    traits: { call_timeout_ms: 100 },
    call: ({ name, spec }) =>
      Promise.resolve(name.startsWith('no-') ? rejected('no') : applied(spec as Json)),
  })
  const { engine } = await testEngine(t, {
    providers: [provider],
    policies: [{ scope: '*', kind: 'thing', name: 'held', approve: ['create'] }],
  })
  const takes = (name: string) =>
    engine.decide(say, {
      scope,
      input: { drafts: [create('thing', name, {}, { counters: { cores: 1 } })] },
    })
  await takes('held')
  for (let i = 0; i < 6; i++) await takes(`no-${i}`)
  const person = await engine.sql.reserve()
  t.teardown(() => {
    person.release()
  })
  const cancel = (tx: Reserved | TransactionSql) =>
    tx`select foreword.cancel(i.id, 'ada') from foreword.intent i where i.name = 'held'`
  // Takes back: holds the counter that all of them are to give back to.
  await person`begin isolation level serializable`
  await cancel(person)
  await testWorker(t, engine)
  await eventually('all of them were rejected', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'rejected'`
    return rows.length === 6
  })
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'stranger', {})] } })
  await eventually('a stranger is through', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return rows.length === 1
  })
  t.same(await engine.sql`select from foreword.intent where settled_at is not null`, [{}])
  await person`rollback`
  await serializably(engine.sql, cancel)
  await allSettled(engine)
  t.match(await engine.sql`select consumed from foreword.quota`, [{ consumed: 0 }])
})

t.test('leased anew while it waits for a person, it waits once', async (t) => {
  const provider = scriptedProvider({ call: () => Promise.resolve(rejected('no')) })
  const { engine } = await testEngine(t, { providers: [provider] })
  for (const name of ['first', 'second']) {
    await engine.decide(say, { scope, input: { drafts: [create('thing', name, {})] } })
  }
  const resources = await engine.sql<{ resource: string; entry: number }[]>`
    update foreword_private.entry set state = 'rejected', due_at = null returning resource, id as entry`
  const person = await engine.sql.reserve()
  t.teardown(() => {
    person.release()
  })
  await person`begin`
  await person`
    select from foreword_private.resource_state
    where resource = any (${resources.map(({ resource }) => resource)}::uuid[])
    for update`
  const log = applyLog(engine.sql)
  const lease = (which: number, epoch: number): Lease => {
    const entry = resources[which]?.entry ?? 0
    return { entry, epoch, scope, reason: 'no' } as unknown as Lease
  }
  const waiting = [log.withdraw(lease(0, 1)), log.withdraw(lease(1, 1))]
  const ended = Promise.allSettled(waiting)
  for (let epoch = 2; epoch < 9; epoch++) await log.withdraw(lease(1, epoch))
  t.same(
    (await ended).map(({ status }) => status),
    ['rejected', 'rejected'],
    'they have waited for the person in vain, and are leased anew',
  )
  await person`rollback`
  for (const which of [0, 1]) await log.withdraw(lease(which, 9))
  t.match(await allSettled(engine), [{ state: 'rejected' }, { state: 'rejected' }])
})
