/**
 * Databases for tests. All test files share one server; each file gets databases of its own, cloned
 * from a template that was migrated once. The server is FOREWORD_TEST_DATABASE_URL (test/run.ts sets
 * it), else DATABASE_URL, else an embedded one that is thrown away. A law of isolation or of locks asks
 * for servers of each version instead, which are always embedded and have foreword's settings (servers.ts).
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import tap from 'tap'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { readRelease } from '../../src/store/migrate/files.ts'
import { migrate } from '../../src/store/migrate/migrate.ts'
import { migrateQueue } from '../../src/worker/queue-migrate.ts'
import { joinServer, type ServerVersion } from './servers.ts'

/** What a migrated database needs besides ours. The name must change when what it does changes. */
export interface TemplateStep {
  readonly name: string
  run(url: string): Promise<void>
}

/** Run on the template after migrate(), in order: here the queue's own migrations are registered. */
const templateSteps: readonly TemplateStep[] = [{ name: 'graphile-worker 0.18', run: migrateQueue }]

export interface TestDatabase {
  readonly url: string
  readonly sql: Sql
}

/** The part of tap's `t` that is needed: any test or subtest will do. */
interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const template_lock_key = 4_627_101
const day_ms = 24 * 60 * 60_000

const onServer = (url: string, database: string): string => {
  const at = new URL(url)
  at.pathname = `/${database}`
  return at.href
}

/** What was made for a key, made now if it is the first time. */
const once = <K, A>(made: Map<K, Promise<A>>, key: K, make: () => Promise<A>): Promise<A> => {
  const known = made.get(key) ?? make()
  made.set(key, known)
  return known
}

const startServer = async (version: ServerVersion): Promise<string> => {
  const run_directory = process.env['FOREWORD_TEST_DIRECTORY'] ?? ''
  const own_directory =
    run_directory === '' ? await mkdtemp(path.join(tmpdir(), 'foreword-test-')) : undefined
  const embedded = await joinServer(own_directory ?? run_directory, version)
  tap.teardown(async () => {
    await embedded.close()
    if (own_directory !== undefined) await rm(own_directory, { recursive: true, force: true })
  })
  return embedded.url
}

const servers = new Map<ServerVersion, Promise<string>>()

/** An administrator's URL of the server that this run shares, or of its server of a version. */
export const testServer = async (version?: ServerVersion): Promise<string> => {
  const given = process.env['FOREWORD_TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'] ?? ''
  if (version === undefined && given !== '') return given
  const wanted = version ?? 18
  return once(servers, wanted, () => startServer(wanted))
}

const withAdmin = async <A>(url: string, work: (admin: Sql) => Promise<A>): Promise<A> => {
  const admin = connectSql({ url, application_name: 'test:admin', max: 1 })
  try {
    return await work(admin)
  } finally {
    await admin.end({ timeout: 5 })
  }
}

const exists = async (admin: Sql, name: string): Promise<boolean> =>
  (await admin`select 1 from pg_database where datname = ${name}`).length > 0

/** Servers that live longer than a run would collect a template for each state of `sql/`. */
const dropOldTemplates = async (admin: Sql): Promise<void> => {
  const old = await admin<{ name: string; made: string | null }[]>`
    select datname as name, shobj_description(oid, 'pg_database') as made
    from pg_database
    where datname like 'foreword\\_template\\_%'`
  for (const { name, made } of old) {
    if (Date.now() - Date.parse(made ?? '') < day_ms) continue
    await admin`drop database if exists ${admin(name)} with (force)`
  }
}

const makeTemplate = async (admin: Sql, url: string, name: string): Promise<void> => {
  await dropOldTemplates(admin)
  const making = `${name}_making`
  await admin`drop database if exists ${admin(making)} with (force)`
  await admin`create database ${admin(making)}`
  await admin.unsafe(`comment on database "${making}" is '${new Date().toISOString()}'`)
  const making_url = onServer(url, making)
  const sql = connectSql({ url: making_url, application_name: 'test:template', max: 1 })
  try {
    await migrate(sql, { url: making_url })
  } finally {
    await sql.end({ timeout: 5 })
  }
  for (const step of templateSteps) await step.run(making_url)
  // Only a template that is complete has its name.
  await admin`alter database ${admin(making)} rename to ${admin(name)}`
}

/** By server. */
const templates = new Map<string, Promise<string>>()

const ensureTemplate = async (url: string): Promise<string> => {
  const { hash } = await readRelease()
  const steps = templateSteps.map((step) => step.name).join()
  const digest = createHash('sha256').update(`${hash} ${steps}`).digest('hex').slice(0, 16)
  const name = `foreword_template_${digest}`
  await withAdmin(url, async (admin) => {
    await admin`select pg_advisory_lock(${template_lock_key})`
    if (!(await exists(admin, name))) await makeTemplate(admin, url, name)
  })
  return name
}

export interface TestDatabaseOptions {
  readonly migrated?: boolean
  /** A version that the law must be tested on; absent: the server that this run shares. */
  readonly server?: ServerVersion
}

/** A database of the test's own, migrated unless told otherwise; dropped when the test is over. */
export const testDatabase = async (
  t: Teardown,
  { migrated = true, server }: TestDatabaseOptions = {},
): Promise<TestDatabase> => {
  const server_url = await testServer(server)
  const source = migrated
    ? await once(templates, server_url, () => ensureTemplate(server_url))
    : 'template0'
  const name = `foreword_test_${randomBytes(6).toString('hex')}`
  await withAdmin(server_url, async (admin) => {
    await admin`create database ${admin(name)} template ${admin(source)}`
  })
  const url = onServer(server_url, name)
  const sql = connectSql({ url, application_name: 'foreword:test', max: 4 })
  t.teardown(async () => {
    await sql.end({ timeout: 5 })
    await withAdmin(server_url, async (admin) => {
      await admin`drop database if exists ${admin(name)} with (force)`
    })
  })
  return { url, sql }
}
