import t from 'tap'
import { connectionError, connectSql, type Reserved, type Sql } from '../../src/store/connect.ts'
import { testDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'

const pool = async (
  t: { teardown(handler: () => Promise<void>): void },
  max: number,
): Promise<{ readonly admin: Sql; readonly sql: Sql }> => {
  const { url, sql: admin } = await testDatabase(t, { migrated: false })
  const sql = connectSql({ url, application_name: 'foreword:lent', max })
  t.teardown(() => sql.end({ timeout: 1 }))
  return { admin, sql }
}

const pidOf = async (tx: Sql): Promise<number> => {
  const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
  return row?.pid ?? 0
}

/** Ends a borrowed connection while a statement is under way on it; the code that the statement got. */
const broken = async (admin: Sql, tx: Reserved): Promise<unknown> => {
  const pid = await pidOf(tx)
  const sleeping = tx`select pg_sleep(60)`.then(
    () => 'slept',
    (error: unknown) => (error as { readonly code?: unknown }).code,
  )
  await eventually('it sleeps', async () => {
    const rows = await admin`
      select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep'`
    return rows.length > 0
  })
  await admin`select pg_terminate_backend(${pid})`
  return sleeping
}

t.test(
  'a borrowed connection that broke refuses everything, and another takes its place',
  async (t) => {
    const { admin, sql } = await pool(t, 2)
    // More often than the pool is large: nothing may be lost for good.
    for (let round = 0; round < 5; round++) {
      const tx = await sql.reserve()
      t.equal(await broken(admin, tx), 'CONNECTION_CLOSED')
      await t.rejects(tx`rollback`, { code: /^CONNECTION_/ })
      await t.rejects(tx`select 1`, { code: /^CONNECTION_/ }, 'it never connects again')
      tx.release()
    }
    const [a, b] = await Promise.all([sql.reserve(), sql.reserve()])
    t.not(await pidOf(a), await pidOf(b))
    a.release()
    b.release()
  },
)

t.test('no more connections are lent than there may be, in the order of asking', async (t) => {
  const { admin, sql } = await pool(t, 2)
  const first = await sql.reserve()
  const second = await sql.reserve()
  const lent: string[] = []
  const third = sql.reserve().then((tx) => (lent.push('third'), tx))
  const fourth = sql.reserve().then((tx) => (lent.push('fourth'), tx))
  await broken(admin, first)
  await third
  second.release()
  await fourth
  t.same(lent, ['third', 'fourth'], 'a broken connection makes room for whoever waits')
  await eventually('two sessions', async () => {
    const rows = await admin`
      select from pg_stat_activity
      where datname = current_database() and application_name = 'foreword:lent'`
    return rows.length === 2
  })
  for (const tx of [await third, await fourth]) tx.release()
})

t.test('the end of a pool waits for its borrowers, and lends no more', async (t) => {
  const { sql } = await pool(t, 1)
  const tx = await sql.reserve()
  const waiting = sql.reserve()
  const ending = sql.end({ timeout: 30 })
  await t.rejects(waiting, { code: 'CONNECTION_ENDED' })
  await t.rejects(sql.reserve(), { code: 'CONNECTION_ENDED' })
  t.same(await tx`select 1 as one`, [{ one: 1 }], 'a borrower ends what it is at')
  tx.release()
  await ending
})

t.test('the end of a pool does not wait for ever', async (t) => {
  const { sql } = await pool(t, 1)
  const tx = await sql.reserve()
  const sleeping = t.rejects(tx`select pg_sleep(60)`, { code: /^CONNECTION_/ })
  await sql.end({ timeout: 0.1 })
  await sleeping
})

t.test('a server that is not there fails whoever asks for a connection', async (t) => {
  const sql = connectSql({ url: 'postgres://x@127.0.0.1:1/x', application_name: 'none', max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  await Promise.all([1, 2, 3].map(() => t.rejects(sql.reserve(), { code: 'ECONNREFUSED' })))
})

t.test('arrays come back as they were sent', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const odd = ['a', 'b c', 'x"y', '\\', '{}', ',', '', ' ', 'NULL', null, 'ü\n']
  const id = '018c0000-0000-7000-8000-000000000000'
  const rows = await sql`
    select
      ${odd}::text[] as texts,
      ${[]}::text[] as none,
      ${[1, 2]}::bigint[] as numbers,
      ${[
        [1, 2],
        [3, 4],
      ]}::integer[] as nested,
      ${[id]}::uuid[] as ids,
      array[true, false, null] as truths,
      array['{"a": [1, "x\\"y"]}'::jsonb] as documents,
      array['2026-11-22T00:00:00Z'::timestamptz] as times,
      null::text[] as nothing`
  t.strictSame(JSON.parse(JSON.stringify(rows)), [
    {
      texts: odd,
      none: [],
      numbers: [1, 2],
      nested: [
        [1, 2],
        [3, 4],
      ],
      ids: [id],
      truths: [true, false, null],
      documents: [{ a: [1, 'x"y'] }],
      times: ['2026-11-22T00:00:00.000Z'],
      nothing: null,
    },
  ])
})

t.test('times and texts are read alike, whatever the database has set', async (t) => {
  const { url, sql: admin } = await testDatabase(t, { migrated: false })
  const database = admin(new URL(url).pathname.slice(1))
  await admin`alter database ${database} set datestyle = 'SQL, DMY'`
  await admin`alter database ${database} set standard_conforming_strings = off`
  const sql = connectSql({ url, application_name: 'foreword:alike', max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  const [row] = await sql`
    select timestamptz '2026-11-10T12:00:00Z' as at, '\\d' as text, date '2026-11-10' as day`
  t.strictSame(JSON.parse(JSON.stringify(row)), {
    at: '2026-11-10T12:00:00.000Z',
    text: '\\d',
    day: '2026-11-10T00:00:00.000Z',
  })
})

t.test('the numbers of array types are those of the server', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const ours = Object.keys(sql.options.parsers).map(Number)
  const types = await sql<{ typname: string; typarray: number }[]>`
    select typname, typarray
    from pg_type
    where
      typname in (
        'bool', 'bytea', 'date', 'float4', 'float8', 'int2', 'int4', 'int8', 'json', 'jsonb',
        'name', 'numeric', 'oid', 'text', 'timestamp', 'timestamptz', 'uuid', 'varchar'
      )
      and typnamespace = 'pg_catalog'::regnamespace`
  t.equal(types.length, 18)
  for (const { typname, typarray } of types) t.ok(ours.includes(typarray), typname)
})

t.test(
  'a session is as foreword needs it, whatever the database has for its default',
  async (t) => {
    const { url, sql } = await testDatabase(t)
    const database = new URL(url).pathname.slice(1)
    await sql`alter database ${sql(database)} set default_transaction_isolation to 'serializable'`
    await sql`alter database ${sql(database)} set datestyle to 'SQL, DMY'`
    const fresh = connectSql({ url, application_name: 'test:defaults', max: 1 })
    t.teardown(() => fresh.end())
    t.match(
      await fresh`
      select
        current_setting('transaction_isolation') as level,
        timestamptz '2026-11-05 10:00:00Z' as at`,
      [{ level: 'read committed', at: new Date('2026-11-05T10:00:00Z') }],
    )
    // As is asked after a lost COMMIT.
    const id = '00000000-0000-4000-8000-000000000001'
    t.same(await fresh`select foreword.committed(${id})`, [{ committed: false }])
  },
)

t.test('a database that takes no writes is told as such, with what to do', async (t) => {
  const { url, sql } = await testDatabase(t)
  const database = new URL(url).pathname.slice(1)
  await sql`alter database ${sql(database)} set default_transaction_read_only to on`
  const fresh = connectSql({ url, application_name: 'test:read-only', max: 1 })
  t.teardown(() => fresh.end())
  const refused = await fresh`
    insert into foreword_private.scope (scope) values ('acme')`.then(
    () => undefined,
    (error: unknown) => connectionError(url, error),
  )
  const told = { name: 'ForewordError', message: /takes no writes/, remedy: /primary/ }
  t.match(refused, told)
  // As a standby answers to `begin isolation level serializable`.
  const standby = new Error('cannot use serializable mode in a hot standby')
  t.match(connectionError(url, standby), told)
})

t.test('a connection that was lost is told as such, however the loss shows', (t) => {
  const url = 'postgres://u:secret@host:6432/db'
  const told = {
    name: 'ForewordError',
    message: /^cannot reach the database: /,
    where: 'host:6432/db',
    remedy: /./,
  }
  // Of sockets, of the driver, of the server, of a pooler.
  const codes = ['EPIPE', 'ECONNRESET', 'CONNECTION_CLOSED', '57P01', '57P02', '08006', '08P01']
  for (const code of codes) {
    const error = Object.assign(new Error('server conn crashed?'), { code })
    t.match(connectionError(url, error), told, code)
  }
  const bug = new TypeError('no')
  t.equal(connectionError(url, bug), bug)
  t.end()
})
