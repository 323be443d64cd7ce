import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { ForewordError, errorLine } from '../../src/domain/errors.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { reachable } from '../../src/store/reachable.ts'
import { assertMigrated, migrate, type MigrateReport } from '../../src/store/migrate/migrate.ts'
import { testDatabase } from '../support/database.ts'

type Files = Readonly<Record<string, string>>

const released: Files = {
  'migrations/0001.do.thing.sql': `
    create schema if not exists foreword_private;
    create table foreword_private.thing (id bigint primary key);`,
  'sql/010_view_thing.sql': 'create view foreword.thing as select id from foreword_private.thing;',
}

interface House {
  readonly sql: Sql
  readonly url: string
  readonly folders: { readonly migrations: string; readonly sql: string }
  write(files: Files): Promise<void>
  remove(file: string): Promise<void>
  migrate(): Promise<MigrateReport>
  refused(): Promise<ForewordError>
  assertMigrated(): Promise<void>
}

/** An empty database, and folders of SQL as a release would have them, in a path that glob could misread. */
const house = async (test: Test, files: Files = released): Promise<House> => {
  const { sql, url } = await testDatabase(test, { migrated: false })
  const parent = await mkdtemp(path.join(tmpdir(), 'foreword-migrate-'))
  const folder = path.join(parent, 'a [b] {c,d} (e)')
  test.teardown(() => rm(parent, { recursive: true, force: true }))
  const folders = { migrations: path.join(folder, 'migrations'), sql: path.join(folder, 'sql') }
  await mkdir(folders.migrations, { recursive: true })
  await mkdir(folders.sql)
  const write = async (more: Files): Promise<void> => {
    for (const [name, text] of Object.entries(more)) await writeFile(path.join(folder, name), text)
  }
  await write(files)
  const run = (): Promise<MigrateReport> => migrate(sql, { url, ...folders })
  return {
    sql,
    url,
    folders,
    write,
    remove: (file) => rm(path.join(folder, file)),
    migrate: run,
    refused: async () => {
      const error = await run().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (!(error instanceof ForewordError)) throw new Error('not refused', { cause: error })
      return error
    },
    assertMigrated: () => assertMigrated(sql, { url, ...folders }),
  }
}

/** Names of everything in our schemas: what a failed run must leave as it was. */
const inventory = async ({ sql }: House): Promise<readonly string[]> => {
  const rows = await sql<{ name: string }[]>`
    select n.nspname || '.' || c.relname || ' ' || c.oid as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname like 'foreword%'
    order by 1`
  return rows.map(({ name }) => name)
}

t.test('migrating twice changes nothing the second time', async (t) => {
  const db = await house(t)
  const first = await db.migrate()
  t.same(first, { from: 0, to: 1, applied: ['1 thing'], rebuilt: true })
  const before = await inventory(db)
  t.same(await db.migrate(), { from: 1, to: 1, applied: [], rebuilt: false })
  t.same(await inventory(db), before)
})

t.test('two migrators at once: one works, the other finds nothing to do', async (t) => {
  const db = await house(t)
  const reports = await Promise.all([db.migrate(), db.migrate(), db.migrate()])
  t.equal(reports.filter((report) => report.rebuilt).length, 1)
  await db.assertMigrated()
})

t.test('a changed view is rebuilt without a migration', async (t) => {
  const db = await house(t)
  await db.migrate()
  await db.write({
    'sql/010_view_thing.sql':
      'create view foreword.thing as select id, 1 as more from foreword_private.thing;',
  })
  await t.rejects(db.assertMigrated(), { message: /of another version/ })
  t.match(await db.migrate(), { applied: [], rebuilt: true })
  t.same(await db.sql`select more from foreword.thing`, [])
  await db.assertMigrated()
})

t.test('an edited migration is refused and nothing is changed', async (t) => {
  const db = await house(t)
  await db.migrate()
  const before = await inventory(db)
  await db.write({
    'migrations/0001.do.thing.sql': 'create schema if not exists foreword_private;',
    'migrations/0002.do.more.sql': 'create table foreword_private.more (id bigint primary key);',
  })
  const error = await db.refused()
  t.match(error.message, /migration 1 is not the one/)
  t.match(error.where, /0001\.do\.thing\.sql/)
  t.same(await inventory(db), before)
})

t.test('line endings of a checkout are no edit', async (t) => {
  const db = await house(t)
  await db.migrate()
  const crlf = Object.entries(released).map(([name, text]) => [name, text.replaceAll('\n', '\r\n')])
  await db.write(Object.fromEntries(crlf) as Files)
  t.match(await db.migrate(), { rebuilt: false })
  await db.write({ 'sql/020_more.sql': 'create view foreword.more as select 1 as one;' })
  t.match(await db.migrate(), { applied: [], rebuilt: true })
})

t.test('a database of a newer foreword is refused and nothing is changed', async (t) => {
  const db = await house(t, {
    ...released,
    'migrations/0002.do.more.sql': 'create table foreword_private.more (id bigint primary key);',
  })
  await db.migrate()
  await db.remove('migrations/0002.do.more.sql')
  const before = await inventory(db)
  t.match(errorLine(await db.refused()), /newer foreword \(schema 2.*knows 1\).*upgrade foreword/)
  await t.rejects(db.assertMigrated(), { message: /newer foreword/ })
  t.same(await inventory(db), before)
})

t.test('a migration numbered below the schema is refused, since it would never run', async (t) => {
  const db = await house(t, {
    'migrations/0003.do.late.sql': 'create schema if not exists foreword_private;',
  })
  await db.migrate()
  await db.write({ 'migrations/0002.do.early.sql': 'select 1' })
  t.match((await db.refused()).message, /migration 2 is older/)
})

t.test('a failing migration leaves nothing and names its line', async (t) => {
  const db = await house(t, {
    ...released,
    'migrations/0002.do.bad.sql': 'select 1;\n\nselect nonsense;\n',
  })
  const error = await db.refused()
  t.match(error.where, /0002\.do\.bad\.sql:3/)
  t.match(error.message, /nonsense.*42703/)
  t.same(await inventory(db), [])
  await t.rejects(db.assertMigrated(), { message: 'the database is empty' })
})

t.test('a failing view leaves the former views in place', async (t) => {
  const db = await house(t)
  await db.migrate()
  const before = await inventory(db)
  await db.write({
    'migrations/0002.do.more.sql': 'create table foreword_private.more (id bigint primary key);',
    'sql/020_bad.sql': 'create view foreword.bad as select * from foreword_private.nowhere;',
  })
  t.match((await db.refused()).where, /020_bad\.sql/)
  t.same(await inventory(db), before)
})

t.test("a user's own view on ours is named and kept", async (t) => {
  const db = await house(t)
  await db.migrate()
  await db.sql`create view public.my_things as select id from foreword.thing`
  await db.sql`create view public.my_things_again as select id from public.my_things`
  await db.sql`create table public.mine (id bigint)`
  await db.write({ 'sql/020_more.sql': 'create view foreword.more as select 1 as one;' })
  const error = await db.refused()
  t.match(error.message, /view public\.my_things, view public\.my_things_again/)
  t.notMatch(error.message, /mine,|RETURN/)
  t.same(await db.sql`select id from public.my_things`, [])
  await db.sql`drop view public.my_things cascade`
  t.match(await db.migrate(), { rebuilt: true })
})

t.test('rights that somebody was given on a view outlast a rebuild', async (t) => {
  const db = await house(t)
  await db.migrate()
  const role = `reader_${String(process.pid)}`
  await db.sql.unsafe(`create role ${role}`)
  t.teardown(() => db.sql.unsafe(`drop owned by ${role}; drop role ${role}`))
  await db.sql.unsafe(`grant usage on schema foreword to ${role}`)
  await db.sql.unsafe(`grant select on foreword.thing to ${role}`)
  await db.write({ 'sql/020_more.sql': 'create view foreword.more as select 1 as one;' })
  await db.migrate()
  const [may] = await db.sql`
    select
      has_schema_privilege(${role}, 'foreword', 'usage') as enter,
      has_table_privilege(${role}, 'foreword.thing', 'select') as read,
      has_table_privilege(${role}, 'foreword.more', 'select') as read_more`
  t.same(may, { enter: true, read: true, read_more: false })
})

t.test('the session limits of deciders do not stop a migration', async (t) => {
  const db = await house(t, {
    ...released,
    'migrations/0002.do.slow.sql': 'select pg_sleep(0.3);',
  })
  const connection = { statement_timeout: '100', search_path: 'nowhere' }
  const sql = connectSql({ url: db.url, application_name: 'foreword:test', max: 1, connection })
  t.teardown(() => sql.end())
  t.match(await migrate(sql, { url: db.url, ...db.folders }), { to: 2, rebuilt: true })
})

t.test('the hook runs after the commit, each time', async (t) => {
  const { sql, url } = await testDatabase(t)
  const seen: boolean[] = []
  const afterwards = async (): Promise<void> => {
    const other = connectSql({ url, application_name: 'foreword:test', max: 1 })
    await assertMigrated(other, { url })
    await other.end()
    seen.push(true)
  }
  await migrate(sql, { url, afterwards })
  await migrate(sql, { url, afterwards })
  t.same(seen, [true, true])
})

t.test("foreword's own files migrate an empty database", async (t) => {
  const { sql, url } = await testDatabase(t, { migrated: false })
  t.match(await migrate(sql, { url }), { from: 0, rebuilt: true })
  await assertMigrated(sql, { url })
  t.match(await migrate(sql, { url }), { applied: [], rebuilt: false })
})

t.test('files that a bundler has left behind are missed where they should be', async (t) => {
  const { sql, url } = await testDatabase(t, { migrated: false })
  const missed = migrate(sql, { url, migrations: '/nowhere/migrations' })
  const error = await missed.catch((e: unknown) => e)
  t.match(error, { where: '/nowhere/migrations', remedy: /bundler must leave it out/ })
})

t.test(
  'a database that cannot be reached is named with a remedy, never the password',
  async (t) => {
    const { url } = await testDatabase(t, { migrated: false })
    const at = (change: (url: URL) => void): string => {
      const changed = new URL(url)
      change(changed)
      return changed.href
    }
    const cases = [
      {
        url: 'postgres://u:secret@127.0.0.1:1/d',
        says: /nothing listens there.*127\.0\.0\.1:1\/d/,
      },
      { url: 'postgres://u:secret@no.invalid/d', says: /host|resolved/ },
      { url: at((u) => (u.pathname = '/nowhere')), says: /no such database/ },
      // Unknown, with whatever kind of login the server asks for.
      { url: at((u) => (u.username = 'nobody_here')), says: /password or user|may not log in/ },
      { url: at((u) => (u.search = 'sslmode=require')), says: /TLS|closed the connection/ },
      { url: 'mysql://u:secret@h/d', says: /database URL/ },
    ]
    for (const { url: wrong, says } of cases) {
      const error = await reachable(wrong).catch((e: unknown) => e)
      if (!(error instanceof ForewordError)) throw new Error(wrong, { cause: error })
      t.match(errorLine(error), says)
      t.notMatch(errorLine(error), /secret/)
      t.not(error.remedy, '')
    }
    t.ok((await reachable(url)) >= 150_000)
  },
)

t.test('a database that cannot hold every text is refused, and nothing is changed', async (t) => {
  const { sql, url } = await testDatabase(t, { migrated: false })
  for (const encoding of ['LATIN1', 'SQL_ASCII']) {
    const name = `${new URL(url).pathname.slice(1)}_${encoding.toLowerCase()}`
    await sql.unsafe(
      `create database "${name}" encoding '${encoding}' locale 'C' template template0`,
    )
    const other = connectSql({ url: url.replace(/[^/]+$/, name), application_name: 'x', max: 1 })
    try {
      await t.rejects(migrate(other, { url }), {
        message: `the database is in ${encoding}, foreword needs UTF8`,
      })
      t.strictSame(
        [...(await other`select nspname from pg_namespace where nspname ~ '^foreword'`)],
        [],
      )
    } finally {
      await other.end()
      await sql.unsafe(`drop database "${name}"`)
    }
  }
})
