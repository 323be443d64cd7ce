/** The decision of docs/sql.md in psql, PL/pgSQL and Python: the files of examples/sql as they are. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { isCommit, startCommitProxy, type Cut } from '../support/commit-proxy.ts'
import { testDatabase } from '../support/database.ts'
import { begin, inTransaction, sqlClient, sqlstateOf } from '../support/sql-client.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const example = (name: string): string => path.join(repository, 'examples/sql', name)
const textOf = (file: string): string => readFileSync(file, 'utf8')

const id_pattern = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const scope = 'acme/prod'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = async (program: string, args: readonly string[]): Promise<Ran> => {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C' }
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { env })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const failed = error as Partial<Ran> & Error
    if (typeof failed.code !== 'number') throw error
    return { code: failed.code, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' }
  }
}

/** Why a program cannot be run here, for `skip`; false: it can. */
const missing = async (program: string, args: readonly string[]): Promise<string | false> => {
  const what = [program, ...args].join(' ')
  try {
    const { code, stderr } = await run(program, args)
    const why = stderr.trim().split('\n').at(-1) ?? ''
    return code === 0 ? false : `${what}: ${why}`
  } catch {
    return `${program} is not installed`
  }
}

const no_psql = await missing('psql', ['--version'])
const no_psycopg = await missing('python3', ['-c', 'import psycopg; psycopg.IsolationLevel'])

/** Who is there, and who said so. */
const pool = async (sql: Sql): Promise<unknown> =>
  sql`
    select r.name, d.decider, d.reason, d.premises
    from foreword.resource r
    join foreword.intent i on i.scope = r.scope and i.kind = r.kind and i.name = r.name
    join foreword.decision d on d.id = i.decision_id
    where r.scope = ${scope} and r.assumed = '{"size": "m"}' and r.labels = '{"role": "web"}'
    order by r.name`

const consumed = async (sql: Sql): Promise<unknown> => {
  const [row] = await sql`select consumed from foreword_private.quota where metric = 'cores'`
  return row?.['consumed']
}

const two = [
  // A name that was free, one predicate and one counter; the second has found the first as well.
  { name: 'web-1', decider: 'add-web', reason: 'at most 2', premises: 3 },
  { name: 'web-2', decider: 'add-web', reason: 'at most 2', premises: 4 },
]

t.test('docs/sql.md shows the examples as they are', async (t) => {
  const docs = textOf(path.join(repository, 'docs/sql.md'))
  for (const name of ['add_web.sql', 'add_web_procedure.sql', 'add_web.py']) {
    t.ok(docs.includes(textOf(example(name)).trimEnd()), name)
  }
})

t.test(
  'add_web.sql adds while there is room, and says what came of it',
  { skip: no_psql },
  async (t) => {
    const { url, sql } = await testDatabase(t)
    const addWeb = () =>
      run('psql', ['-X', url, '-v', `scope=${scope}`, '-v', 'max=2', '-f', example('add_web.sql')])
    for (const name of ['web-1', 'web-2']) {
      const { code, stdout, stderr } = await addWeb()
      t.same([code, stderr], [0, ''])
      t.match(stdout, new RegExp(`${name} is free, .*decided ${id_pattern}\n$`, 's'))
    }
    t.same(await pool(sql), two)
    t.match(await addWeb(), { code: 0, stdout: /COMMIT\nrefused: the pool is full\n$/, stderr: '' })
    t.equal(await consumed(sql), 8)
  },
)

t.test(
  'add_web.sql that meets somebody ends with 3 and the SQLSTATE',
  { skip: no_psql },
  async (t) => {
    const { url, sql } = await testDatabase(t)
    await sql.unsafe(textOf(example('add_web_procedure.sql')))
    const holder = await sqlClient(t, url)
    await begin(holder)
    await holder`select decide_web(${scope}, 2)`
    const ran = run('psql', [
    '-X', url, '-v', `scope=${scope}`, '-v', 'max=2', '-c', `set lock_timeout = '10ms'`, '-f', example('add_web.sql'),
  ]) // prettier-ignore
    t.match(await ran, {
      code: 3,
      stderr: /ERROR: {2}55P03: canceling statement due to lock timeout/,
    })
    await holder`rollback`
    t.same(await pool(sql), [])
  },
)

t.test('the procedure decides in transactions of its own', async (t) => {
  const { url, sql } = await testDatabase(t)
  await sql.unsafe(textOf(example('add_web_procedure.sql')))
  const addWeb = () => sql`call add_web(${scope}, 2)`
  for (let n = 0; n < 2; n++) {
    t.match(await addWeb(), [{ decision: new RegExp(`^${id_pattern}$`) }])
  }
  t.same(await addWeb(), [{ decision: null }], 'refused')
  t.same(await pool(sql), two)
  const tx = await sqlClient(t, url)
  t.equal(
    await sqlstateOf(inTransaction(tx, () => tx`call add_web(${scope}, 9)`.execute())),
    '2D000',
    'and not in one of its caller',
  )
  t.same(await pool(sql), two)
})

t.test('the procedure decides again when somebody was first', async (t) => {
  const { url, sql } = await testDatabase(t)
  await sql.unsafe(textOf(example('add_web_procedure.sql')))
  const many = connectSql({ url, application_name: 'test:cron', max: 8 })
  t.teardown(() => many.end({ timeout: 1 }))
  /** A 40001 of COMMIT is the caller's. */
  const addWeb = async (): Promise<unknown> => {
    for (;;) {
      try {
        return (await many`call add_web(${scope}, 5)`)[0]?.['decision']
      } catch (error) {
        if ((error as { code?: string }).code !== '40001') throw error
      }
    }
  }
  const decisions = await Promise.all(Array.from({ length: 8 }, addWeb))
  t.equal(new Set(decisions.filter((id) => id !== null)).size, 5)
  t.equal(await consumed(sql), 20)
})

t.test('a trigger decides in the transaction that fires it, if that is SERIALIZABLE', async (t) => {
  const { url, sql } = await testDatabase(t)
  await sql.unsafe(textOf(example('add_web_procedure.sql')))
  await sql.unsafe(`
    create table load (at timestamptz default now(), percent integer);
    create function scale_out() returns trigger language plpgsql as $$
    begin
      perform decide_web('${scope}', 2);
      return null;
    end $$;
    create trigger scale_out after insert on load
    for each row when (new.percent > 80) execute function scale_out()`)
  const tx = await sqlClient(t, url)
  const insert = () => tx`insert into load (percent) values (70), (90)`
  t.equal(await sqlstateOf(inTransaction(tx, insert, 'read committed')), 'FW001')
  t.same(await sql`select from load`, [], 'else the insert fails with it')
  await inTransaction(tx, insert)
  t.match(await pool(sql), [{ name: 'web-1' }])
})

const python = (url: string, max: number): Promise<Ran> =>
  run('python3', ['-W', 'error', example('add_web.py'), url, scope, String(max)])

t.test('add_web.py adds while there is room', { skip: no_psycopg }, async (t) => {
  const { url, sql } = await testDatabase(t)
  for (let n = 0; n < 2; n++) {
    t.match(await python(url, 2), { code: 0, stdout: new RegExp(`^decided ${id_pattern}\n$`) })
  }
  t.same(await pool(sql), two)
  t.same(await python(url, 2), { code: 0, stdout: 'refused: the pool is full\n', stderr: '' })
})

t.test('add_web.py decides again when somebody was first', { skip: no_psycopg }, async (t) => {
  const { url, sql } = await testDatabase(t)
  const ran = await Promise.all(Array.from({ length: 6 }, () => python(url, 4)))
  t.same(ran.map(({ stderr }) => stderr).join(''), '')
  t.equal(ran.filter(({ stdout }) => stdout.startsWith('decided')).length, 4)
  t.equal(await consumed(sql), 16)
})

const cutOnce = async (t: Test, url: string, cut: Cut): Promise<string> => {
  let cuts = 0
  const proxy = await startCommitProxy(t, url, (statement) =>
    isCommit(statement) && cuts++ === 0 ? cut : null,
  )
  return proxy.url
}

const cuts: readonly Cut[] = [
  { type: 'before' },
  { type: 'after' },
  { type: 'during', bytes: 3 },
  { type: 'late', until: () => Promise.resolve() },
]

t.test(
  'add_web.py asks what became of a COMMIT without an answer',
  { skip: no_psycopg },
  async (t) => {
    for (const cut of cuts) {
      const { url, sql } = await testDatabase(t)
      const { code, stdout, stderr } = await python(await cutOnce(t, url, cut), 2)
      t.same([code, stderr], [0, ''], cut.type)
      const decided = await sql<{ told: string }[]>`
      select 'decided ' || id || chr(10) as told from foreword_private.decision where not abandoned`
      t.same(decided, [{ told: stdout }], 'it was decided once, and the right id is told')
    }
  },
)
