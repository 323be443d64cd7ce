/** A log that came from another server, whose transaction numbers were ahead of this one's. */
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { create, defineDecider, refuse } from '../../src/domain/decider.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import type { Sql } from '../../src/store/connect.ts'
import { assertMigrated, migrate } from '../../src/store/migrate/migrate.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'

const scope = 'acme'

/** At most four web servers. */
const addWeb = defineDecider({
  name: 'add-web',
  version: 1,
  read: (q, input: { readonly name: string }) => ({
    pool: q.find('vm', { role: 'web' }),
    next: q.get('vm', input.name),
  }),
  decide: ({ pool, next }, { name }) =>
    pool.length >= 4 || next !== null
      ? refuse('full')
      : create('vm', name, { size: 's' }, { labels: { role: 'web' } }),
})

/** What a dump carries from a server that has come so much further: all numbers of the log are larger. */
const move = async (sql: Sql, by: number): Promise<void> => {
  for (const table of ['decision', 'member_entry', 'premise']) {
    await sql.unsafe(`alter table foreword_private.${table} disable trigger user`)
  }
  await sql`
    update foreword_private.decision
    set
      xid = (xid::text::bigint + ${by}::bigint)::text::xid8,
      snapshot = format(
        '%s:%s:%s',
        pg_snapshot_xmin(snapshot)::text::bigint + ${by}::bigint,
        pg_snapshot_xmax(snapshot)::text::bigint + ${by}::bigint,
        (
          select string_agg((x::text::bigint + ${by}::bigint)::text, ',' order by x::text::bigint)
          from pg_snapshot_xip(snapshot) x
        )
      )::pg_snapshot`
  await sql`
    update foreword_private.member_entry
    set xid = (xid::text::bigint + ${by}::bigint)::text::xid8`
  await sql`
    update foreword_private.premise p
    set version = p.version + ${by}::bigint
    where not exists (select from foreword_private.resource r where r.id = p.resource)`
  for (const table of ['decision', 'member_entry', 'premise']) {
    await sql.unsafe(`alter table foreword_private.${table} enable trigger user`)
  }
}

const staleOf = async (sql: Sql): Promise<number> => {
  const rows = await sql`select from foreword.intent where state = 'stale'`
  return rows.length
}

t.test(
  'a log that has moved to a younger server goes on in its order, once migrated',
  async (t) => {
    const { engine, url } = await cloudWorld(t, { config: { deciders: [addWeb] } })
    const { sql } = engine
    const decide = (name: string) => engine.decide(addWeb, { scope, input: { name } })
    await testWorker(t, engine)
    for (const name of ['a', 'b']) t.match(await decide(name), { type: 'decided' })
    await allSettled(engine)
    t.equal((await migrate(sql, { url })).rebuilt, false, 'on its own server nothing is to be done')

    for (const [name, by] of [
      ['c', 5_000_000],
      ['d', 7_000_000],
    ] as const) {
      await move(sql, by)
      await t.rejects(assertMigrated(sql, { url }), /the log has come from another server/)
      const [login] = await sql`select foreword_code.deployed_hash() as hash`
      t.equal(login?.['hash'], null, 'who has only a role is told to have it migrated')
      t.equal((await migrate(sql, { url })).rebuilt, true)
      t.equal((await migrate(sql, { url })).rebuilt, false, 'once')
      t.match(await decide(name), { type: 'decided' })
      await allSettled(engine)
      t.equal(await staleOf(sql), 0, 'what was there before is seen as there before')
    }
    t.match(await decide('e'), { type: 'refused', reason: 'full' })
    const { checks } = await audit(auditStore(sql))
    t.same(
      checks.filter((check) => check.violated > 0),
      [],
    )
  },
)

t.test('without the migration, whoever finds would be taken for too late', async (t) => {
  const { engine } = await cloudWorld(t, { config: { deciders: [] } })
  const { sql } = engine
  await testWorker(t, engine)
  t.match(await engine.decide(addWeb, { scope, input: { name: 'a' } }), { type: 'decided' })
  await allSettled(engine)
  await move(sql, 5_000_000)
  t.match(await engine.decide(addWeb, { scope, input: { name: 'b' } }), { type: 'decided' })
  await allSettled(engine)
  t.equal(await staleOf(sql), 1)
})
