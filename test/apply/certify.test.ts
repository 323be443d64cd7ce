import t, { type Test } from 'tap'
import { startCloud } from '../../src/cloud/index.ts'
import { create, defineDecider, refuse, update } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import type { Sql } from '../../src/store/connect.ts'
import { engineOn, ledgerOf, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { forgetfulServer } from '../support/forgetful-server.ts'
import { quick, testConfig } from '../support/settings.ts'

const scope = 'acme'

/** Two machines, of which one must stay large: whoever finds both large may shrink its own. */
const shrink = (name: string) =>
  defineDecider({
    name: `shrink-${name}`,
    version: 1,
    read: (q) => ({ a: q.get('vm', 'a'), b: q.get('vm', 'b') }),
    decide: ({ a, b }) => {
      const isLarge = (vm: typeof a) => (vm?.state as { readonly size?: string }).size === 'l'
      return isLarge(a) && isLarge(b)
        ? update('vm', name, { size: 's' })
        : refuse('one must stay large')
    },
  })

const start = defineDecider({
  name: 'start',
  version: 1,
  read: (q, input: { readonly name: string }) => ({ vm: q.get('vm', input.name) }),
  decide: (_facts, { name }) => create('vm', name, { size: 'l' }),
})

/** So many serializable transactions of others, on a table that is not ours. */
const commitNoise = async (sql: Sql, count: number): Promise<void> => {
  const tx = await sql.reserve()
  for (let i = 0; i < count; i++) {
    await tx
      .unsafe('begin isolation level serializable; update noise set n = n + 1 where n = n; commit')
      .simple()
  }
  tx.release()
}

/** shrink-b as a slow client of SQL decides it, while so many others commit. */
const slowly = async (engine: Engine, meanwhile: () => Promise<void>): Promise<string> => {
  const tx = await engine.sql.reserve()
  try {
    await tx`begin isolation level serializable`
    await tx`select foreword.assume(${scope}, 'vm', 'a'), foreword.assume(${scope}, 'vm', 'b')`
    await meanwhile()
    await tx`select foreword.intend(${scope}, 'vm', 'b', 'update', '{"size":"s"}')`
    await tx`select foreword.decide('shrink-b')`
    return (await tx`commit`).command
  } catch (error) {
    await tx`rollback`
    return (error as { code: string }).code
  } finally {
    tx.release()
  }
}

interface World {
  readonly engine: Engine
  readonly effects: () => Promise<unknown>
  readonly remembered: number
}

const server = forgetfulServer(t)

const world = async (t: Test): Promise<World> => {
  const { url, remembered } = await (await server).database()
  const cloud = await startCloud({ seed: 1 })
  t.teardown(() => cloud.close())
  const providers = simulatedCloud({ url: cloud.url, traits: quick })
  const limits = { ...testConfig(url).limits, pool_connections_max: 4 }
  const deciders = [shrink('a'), shrink('b')]
  const engine = engineOn(t, url, testConfig(url, { providers, deciders, limits }))
  await engine.sql`create table noise as select 0 as n`
  for (const name of ['a', 'b']) await engine.decide(start, { scope, input: { name } })
  return { engine, remembered, effects: async () => (await ledgerOf(cloud)).effects }
}

const untilSettled = (engine: Engine): Promise<unknown> =>
  eventually('every intent settled', async () => {
    const open = await engine.sql`select from foreword.intent where settled_at is null`
    return open.length === 0
  })

const shrinking = (engine: Engine) =>
  engine.sql<{ decider: string; state: string; certified: boolean; reason: string }[]>`
    select d.decider, i.state, d.certified, i.reason
    from foreword.intent i
    join foreword.decision d on d.id = i.decision_id
    where i.verb = 'update'
    order by i.state, d.decider`

const sizes = async (engine: Engine): Promise<unknown> => {
  const rows = await engine.sql<{ size: string }[]>`
    select assumed ->> 'size' as size from foreword.resource order by 1`
  return rows.map((row) => row.size).join()
}

t.test('a conflict that Postgres forgot is caught before any call', async (t) => {
  const { engine, effects, remembered } = await world(t)
  const outcome = await slowly(engine, async () => {
    t.match(await engine.decide(shrink('a'), { scope, input: undefined }), { type: 'decided' })
    await commitNoise(engine.sql, 2 * remembered)
  })
  t.equal(outcome, 'COMMIT', 'Postgres let both shrink: the fault that this test is about')
  await testWorker(t, engine)
  await untilSettled(engine)
  const [confirmed, stale, ...rest] = await shrinking(engine)
  t.match(confirmed, { state: 'confirmed', certified: true }, 'one of the two is carried out')
  t.match(stale, { state: 'stale', certified: false }, 'the other is not')
  t.same(rest, [], 'and decided again it came to a refusal')
  t.match(
    stale?.reason,
    /^it is not serializable with others: shrink-\w read vm\/\w v1, replaced by/,
  )
  t.equal(await sizes(engine), 'l,s', 'its version is taken back')
  t.equal(await effects(), 3, 'and no call was made for it')
})

t.test('who committed after a serial successor was carried out is decided again', async (t) => {
  const { engine, effects, remembered } = await world(t)
  await testWorker(t, engine)
  const outcome = await slowly(engine, async () => {
    await untilSettled(engine)
    await engine.decide(shrink('a'), { scope, input: undefined })
    await untilSettled(engine)
    await commitNoise(engine.sql, 2 * remembered)
  })
  t.equal(outcome, 'COMMIT')
  await untilSettled(engine)
  const [confirmed, stale] = await shrinking(engine)
  t.match(confirmed, { decider: 'shrink-a', state: 'confirmed' })
  t.match(stale, { decider: 'shrink-b', state: 'stale' })
  t.equal(stale?.reason, 'shrink-a, which comes after it, was carried out before it had committed')
  t.equal(await sizes(engine), 'l,s')
  t.equal(await effects(), 3)
})

t.test('whoever relied on a decision that is taken back is taken back with it', async (t) => {
  const { engine, effects, remembered } = await world(t)
  await slowly(engine, async () => {
    await engine.decide(shrink('a'), { scope, input: undefined })
    await commitNoise(engine.sql, 2 * remembered)
  })
  const follow = defineDecider({
    name: 'follow',
    version: 1,
    read: (q) => ({ a: q.get('vm', 'a'), b: q.get('vm', 'b') }),
    decide: () => create('vm', 'c', { size: 's' }),
  })
  t.match(await engine.decide(follow, { scope, input: undefined }), { type: 'decided' })
  await testWorker(t, engine)
  await untilSettled(engine)
  const [row] = await engine.sql`select state, reason from foreword.intent where name = 'c'`
  t.match(row, { state: 'stale', reason: /^relied on intent \d+, which was taken back$/ })
  t.equal(await effects(), 3)
})

t.test('conflicting decisions that are serializable are certified and carried out', async (t) => {
  const { engine } = await world(t)
  await engine.sql`select foreword.prepare(${scope}, 'vm', 'c')`
  const tx = await engine.sql.reserve()
  // It reads what the other replaces, and comes before it: no cycle.
  await tx`begin isolation level serializable`
  await tx`select foreword.assume(${scope}, 'vm', 'a')`
  await engine.decide(shrink('a'), { scope, input: undefined })
  await tx`select foreword.intend(${scope}, 'vm', 'c', 'create', '{"size":"s"}')`
  await tx`select foreword.decide('reader')`
  await tx`commit`
  tx.release()
  await testWorker(t, engine)
  await untilSettled(engine)
  t.same(await engine.sql`select distinct state from foreword.intent`, [{ state: 'confirmed' }])
  t.same(await engine.sql`select distinct certified from foreword.decision`, [{ certified: true }])
})
