/**
 * The oldest Postgres that foreword supports and its own: both are really there, and what deciding
 * stands on holds on each.
 */
import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { migrateAll } from '../../src/foreword.ts'
import { codeOf, type Sql } from '../../src/store/connect.ts'
import { ownPrograms } from '../../src/store/embedded/binaries.ts'
import { onEachServer } from '../support/each-server.ts'
import { testDatabase } from '../support/database.ts'
import { testEngine } from '../support/engine.ts'
import { serverVersions } from '../support/servers.ts'

t.test('the Postgres that foreword brings is one of those tested', async (t) => {
  t.ok(serverVersions.some((version) => version === ownPrograms.major_version))
})

onEachServer(t, 'a server is of the version that was asked for', async (t, server) => {
  const { sql } = await testDatabase(t, { migrated: false, server })
  const [row] = await sql<{ server_version: string }[]>`show server_version`
  t.ok(row?.server_version.startsWith(`${server}.`), `it is ${row?.server_version}`)
})

onEachServer(t, 'migrate works, and works again', async (t, server) => {
  const { sql, url } = await testDatabase(t, { migrated: false, server })
  await migrateAll(url)
  await migrateAll(url)
  t.same(await sql`select count(*)::integer as n from foreword.resource`, [{ n: 0 }])
})

const addVm = defineDecider({
  name: 'add-vm',
  version: 1,
  read: (q, input: { readonly name: string }) => ({
    mine: q.get('vm', input.name),
    pool: q.find('vm', { role: 'web' }),
    cores: q.counter('cores'),
  }),
  decide: ({ mine, pool, cores }, input) =>
    mine !== null || pool.length > 0 || cores > 0
      ? []
      : create('vm', input.name, {}, { labels: { role: 'web' }, counters: { cores: 4 } }),
})

onEachServer(t, 'a decision is decided, and seen by the next one', async (t, server) => {
  const { engine } = await testEngine(t, {}, { server })
  const decide = (name: string) => engine.decide(addVm, { scope: 'acme', input: { name } })
  t.match(await decide('web-1'), { type: 'decided', tries: 1 })
  t.match(await decide('web-2'), { type: 'unchanged' })
  t.same(await engine.sql`select name, version from foreword.resource where version > 0`, [
    { name: 'web-1', version: 1 },
  ])
})

/** Reads both rows, waits for the other one's reads, and moves its own row. The SQLSTATE of its end. */
const moveOne = async (
  sql: Sql,
  name: string,
  both: readonly string[],
  othersHaveRead: () => Promise<void>,
): Promise<string> => {
  try {
    await sql.begin('isolation level serializable', async (tx) => {
      await tx`
        select version
        from foreword_private.resource_state
        where resource = any (${both}::uuid[])`
      await othersHaveRead()
      await tx`
        update foreword_private.resource_state
        set version = version + 1
        where resource = ${name}`
    })
    return 'committed'
  } catch (error) {
    return codeOf(error)
  }
}

onEachServer(t, 'of two that skew each other’s writes one aborts', async (t, server) => {
  const { sql } = await testDatabase(t, { server })
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
  const both = [first, second]
  await sql`insert into foreword_private.resource_state (resource) select unnest(${both}::uuid[])`
  let readers = 0
  const all = Promise.withResolvers<undefined>()
  const othersHaveRead = async (): Promise<void> => {
    readers += 1
    if (readers === both.length) all.resolve(undefined)
    await all.promise
  }
  const ends = await Promise.all(both.map((name) => moveOne(sql, name, both, othersHaveRead)))
  t.same(ends.toSorted(), ['40001', 'committed'])
  t.same(await sql`select sum(version)::integer as moved from foreword_private.resource_state`, [
    { moved: 1 },
  ])
})
