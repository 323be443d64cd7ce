/**
 * How roles come to be. They belong to the cluster, which all databases and all test files share: here
 * each version of Postgres is started once more, without any.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { migrateAll } from '../../src/foreword.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { migrate } from '../../src/store/migrate/migrate.ts'
import { onEachServer } from '../support/each-server.ts'
import { engineOn } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { asUser, loginAs } from '../support/login.ts'
import { joinServer, type ServerVersion } from '../support/servers.ts'
import { testConfig } from '../support/settings.ts'

// Two servers are set up, and five databases migrated on each, on a machine that may be busy.
t.setTimeout(120_000)

interface Cluster {
  readonly admin: Sql
  /** A database of its own for a user of its own, who may do no more than that; `more`: but this. */
  readonly databaseOf: (owner: string, more?: string) => Promise<{ url: string; sql: Sql }>
}

const cluster = async (t: Test, version: ServerVersion): Promise<Cluster> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-roles-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const server = await joinServer(directory, version)
  t.teardown(() => server.close())
  const connected = (url: string): Sql => {
    const sql = connectSql({ url, application_name: 'foreword:test', max: 2 })
    t.teardown(() => sql.end({ timeout: 5 }))
    return sql
  }
  const admin = connected(server.url)
  return {
    admin,
    databaseOf: async (owner, more = '') => {
      await admin.unsafe(`create role ${owner} login password 'secret' ${more}`)
      await admin.unsafe(`create database ${owner} owner ${owner}`)
      const at = new URL(asUser(server.url, owner, 'secret'))
      at.pathname = `/${owner}`
      return { url: at.href, sql: connected(at.href) }
    },
  }
}

const four = ['foreword_applier', 'foreword_decider', 'foreword_operator', 'foreword_reader']

const rolesOf = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql<{ name: string }[]>`
    select rolname as name
    from pg_roles
    where rolname = any (${four})
    order by 1`
  return rows.map((row) => row.name)
}

/** Of our functions, those that a role may call, and of our views, those that it may read. */
const rightsOf = async (sql: Sql, role: string): Promise<{ calls: number; reads: number }> => {
  const [row] = await sql<{ calls: number; reads: number }[]>`
    select
      (
        select count(*)::integer
        from pg_proc p
        where
          p.pronamespace in ('foreword'::regnamespace, 'foreword_code'::regnamespace)
          and has_function_privilege(${role}, p.oid, 'execute')
          and not has_function_privilege('public', p.oid, 'execute')
      ) as calls,
      (
        select count(*)::integer
        from pg_class c
        where
          c.relnamespace = 'foreword'::regnamespace
          and c.relkind = 'v'
          and has_table_privilege(${role}, c.oid, 'select')
      ) as reads`
  return row ?? { calls: 0, reads: 0 }
}

const say = defineDecider({
  name: 'say',
  version: 1,
  read: (q) => ({ vm: q.get('vm', 'a') }),
  decide: () => create('vm', 'a', {}),
})

onEachServer(
  t,
  'a user who may make no role migrates, and grants once they are made',
  async (t, server) => {
    const { admin, databaseOf } = await cluster(t, server)
    const { url, sql } = await databaseOf('landlord')
    t.match(await migrateAll(url), { rebuilt: true })
    t.same(await rolesOf(sql), [], 'no role was made')
    await admin.unsafe('create role foreword_decider nologin; create role foreword_reader nologin')
    t.same((await rightsOf(sql, 'foreword_decider')).calls, 0)
    await sql`select foreword_code.grant_roles()`
    t.ok((await rightsOf(sql, 'foreword_decider')).calls > 10)
    t.ok((await rightsOf(sql, 'foreword_reader')).reads > 10)

    const decider = await loginAs(t, { url, sql: admin }, ['foreword_decider'])
    const engine = engineOn(t, decider.url, testConfig(decider.url))
    t.match(await engine.decide(say, { scope: 'acme', input: undefined }), { type: 'decided' })
    await engine.wakeup.flush()
    t.match(await sql`select task_identifier from graphile_worker.jobs`, [
      { task_identifier: 'foreword_wake' },
    ])
  },
)

onEachServer(
  t,
  'migrators that make the same roles at the same moment all succeed',
  async (t, server) => {
    const { admin, databaseOf } = await cluster(t, server)
    const names = ['first', 'second', 'third']
    const databases = await Promise.all(names.map((name) => databaseOf(name, 'createrole')))
    const made = Promise.withResolvers<undefined>()
    const making = admin.begin(async (tx) => {
      await tx`create role foreword_decider nologin`
      await made.promise
    })
    const migrating = Promise.all(databases.map(({ url, sql }) => migrate(sql, { url })))
    await eventually(
      'all wait for the role that is being made',
      async () => {
        const [row] = await admin<{ waiting: number }[]>`
        select count(*)::integer as waiting
        from pg_stat_activity
        where datname = any (${names}) and wait_event = 'transactionid'`
        return row?.waiting === names.length
      },
      { deadline_ms: 60_000 },
    ).finally(() => {
      made.resolve(undefined)
    })
    await making
    for (const report of await migrating) t.match(report, { rebuilt: true })
    t.same(await rolesOf(admin), four)
    for (const { sql } of databases) {
      for (const role of four) t.ok((await rightsOf(sql, role)).calls > 0, `${role} has its rights`)
    }
  },
)
