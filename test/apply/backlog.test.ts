/**
 * What a claim and its settling read is what they move, not the backlog, nor the log: in the worst session
 * there is, which planned everything when the tables were tiny and keeps those plans.
 */
import t from 'tap'
import { create, defineDecider, update } from '../../src/domain/decider.ts'
import type { Lease, StepResult } from '../../src/domain/ports.ts'
import { applyLog } from '../../src/store/apply-log.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { cloudWorld } from '../support/engine.ts'

const many = defineDecider({
  name: 'many',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly from: number; readonly count: number }) =>
    Array.from({ length: input.count }, (_, i) =>
      create(
        'vm',
        `vm-${input.from + i}`,
        { size: 's' },
        i === 0 ? {} : { needs: [`vm/vm-${input.from}`] },
      ),
    ),
})

/** Reads a resource and changes it: each version is what the next one was decided on. */
const change = defineDecider({
  name: 'change',
  version: 1,
  read: (q, name: string) => ({ vm: q.get('vm', name) }),
  decide: ({ vm }, name) =>
    vm === null ? create('vm', name, { size: 's' }) : update('vm', name, { size: 's' }),
})

const done = (lease: Lease): StepResult => ({
  entry: lease.entry,
  resource: lease.resource,
  epoch: lease.epoch,
  number: lease.number,
  state: 'confirmed',
  due_in_ms: null,
  reason: null,
  looks: 0,
  outcome: 'applied',
  response: lease.state,
  sighting: { state: lease.state, condition: 'ready' },
})

/** Claims what is due and settles it; resolves to how many that were. */
const turnOf = (log: ReturnType<typeof applyLog>, slots: number) => async (): Promise<number> => {
  const leases = await log.claim(1, [{ kind: 'vm', slots, timeout_ms: 5_000 }])
  await log.settle(1, leases.map(done))
  return leases.length
}

const rowsRead = async (sql: Sql): Promise<number> => {
  const [row] = await sql<{ read: number }[]>`
    select sum(coalesce(s.idx_tup_fetch, 0) + s.seq_tup_read)::double precision as read
    from pg_stat_xact_user_tables s
    where s.schemaname = 'foreword_private'`
  return row?.read ?? 0
}

t.test('a claim, its settling and a sweep read a few rows, however long the backlog', async (t) => {
  const { engine, url } = await cloudWorld(t)
  const sql = connectSql({ url, application_name: 'test', max: 1 })
  t.teardown(() => sql.end({ timeout: 5 }))
  const slots = 16
  const log = applyLog(sql)
  const turn = turnOf(log, slots)
  await engine.decide(many, { scope: 'acme', input: { from: 0, count: 20 } })
  while ((await turn()) > 0);
  await log.sweep()

  for (let from = 100; from < 2_100; from += 100) {
    await engine.decide(many, { scope: 'acme', input: { from, count: 100 } })
  }
  // The first of each hundred, until nobody waits for one any more.
  const waiting = () => sql`select from foreword.intent where waits_for is not null limit 1`
  do await turn()
  while ((await waiting()).length > 0)
  await sql`begin`
  const before = await rowsRead(sql)
  t.equal(await turn(), slots)
  const read = (await rowsRead(sql)) - before
  t.ok(read < 20 * slots, `${read} rows were read for ${slots} intents`)
  await log.sweep()
  const swept = (await rowsRead(sql)) - before - read
  await sql`commit`
  t.ok(swept < 20, `${swept} rows were read by a sweep`)
})

t.test(
  'a claim does not go through what a resource was, nor through who read it then',
  async (t) => {
    const { engine, url } = await cloudWorld(t)
    const sql = connectSql({ url, application_name: 'test', max: 1 })
    t.teardown(() => sql.end({ timeout: 5 }))
    const turn = turnOf(applyLog(sql), 16)
    const versions = 200
    for (let i = 0; i < versions; i += 1) {
      await engine.decide(change, { scope: 'acme', input: 'vm-1' })
      t.equal(await turn(), 1)
    }
    await engine.decide(change, { scope: 'acme', input: 'vm-1' })
    await sql`begin`
    const before = await rowsRead(sql)
    t.equal(await turn(), 1)
    const read = (await rowsRead(sql)) - before
    await sql`commit`
    t.ok(read < 40, `${read} rows were read for one intent after ${versions} versions`)
  },
)
