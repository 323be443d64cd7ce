/** doctor: whatever is planted is found, with what to do about it; and what may not be seen is said. */
import t, { type Test } from 'tap'
import { loginAs } from '../support/login.ts'
import { bench, recordStack, written, type Bench } from './harness.ts'

interface Finding {
  readonly check: string
  readonly level: 'ok' | 'warn' | 'fail' | 'unseen'
  readonly says: string
  readonly remedy: string | null
}

interface Examined {
  readonly code: number | null
  readonly findings: readonly Finding[]
}

const examined = async (b: Bench, url?: string, ...more: string[]): Promise<Examined> => {
  const env = url === undefined ? {} : { FOREWORD_DATABASE_URL: url }
  const ran = await b.foreword(['doctor', '--json', ...more], { env })
  if (ran.stdout === '') throw new Error(ran.stderr)
  const { findings } = JSON.parse(ran.stdout) as { readonly findings: readonly Finding[] }
  return { code: ran.code, findings }
}

/** Servers of tests need not survive a power cut. */
const isCareless = ({ says }: Finding): boolean => /^(fsync|full_page_writes) is off/.test(says)

const has = (t: Test, { findings }: Examined, level: Finding['level'], says: RegExp): void => {
  const found = findings.find((f) => f.level === level && says.test(f.says))
  t.ok(found, `${level}: ${String(says)}`, { findings: findings.map((f) => f.says) })
  if (found !== undefined && level !== 'ok') t.ok((found.remedy ?? '').length > 3, 'with a remedy')
}

t.test('where all is well nothing is told to be wrong, and nothing is written', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(2)), '--wait', '--quiet'])
  const before = await written(b)
  const all = await examined(b)
  const wrong = all.findings.filter((f) => f.level === 'fail' && !isCareless(f))
  t.strictSame(wrong, [])
  t.equal(all.code, all.findings.some(isCareless) ? 1 : 0)
  for (const check of ['release', 'indexes', 'tables', 'roles', 'workers', 'queue', 'clock']) {
    const found = all.findings.filter((f) => f.check === check)
    t.ok(found.length > 0 && found.every((f) => f.level === 'ok'), check, { found })
  }
  has(
    t,
    all,
    'ok',
    /^\d+ serializable commits may pass during one open transaction; at \d+ commits/,
  )
  has(t, all, 'ok', /not asked for: --canaries/)
  t.strictSame(await written(b), before)
  const { stdout, code } = await b.foreword(['doctor', '--quiet'])
  t.notMatch(stdout, /^ok/m)
  t.equal(code, all.code)
})

t.test('canaries: what foreword relies on is caught, and no trace is left', async (t) => {
  const b = await bench(t)
  const all = await examined(b, undefined, '--canaries')
  has(t, all, 'ok', /write skew by key: one of two that cannot both be is aborted/)
  has(t, all, 'ok', /phantom by index range: one of two that cannot both be is aborted/)
  t.equal(all.findings.filter((f) => f.check === 'canaries').length, 4)
  const left = await b.database.sql`select from pg_namespace where nspname like 'foreword_canary%'`
  t.equal(left.length, 0)
})

const plantInSchema = async ({ database: { sql } }: Bench): Promise<void> => {
  await sql`drop index foreword_private.entry_due`
  await sql`
    update pg_index set indisvalid = false
    where indexrelid = 'foreword_private.ruling_by_entry'::regclass`
  await sql`revoke execute on function foreword.approve from foreword_operator`
  await sql`grant execute on function foreword.resolve to public`
  await sql`revoke select on foreword.intent from foreword_reader`
  await sql`grant select on foreword_private.entry to foreword_reader`
  await sql`insert into foreword_private.deployment (version, hash, at) values ('9.9.9', 'other', now())`
  await sql`
    delete from graphile_worker.migrations
    where id = (select max(id) from graphile_worker.migrations)`
}

const plantInWork = async ({ database: { sql } }: Bench): Promise<void> => {
  await sql`
    insert into foreword_private.schedule (name, cron, scope, last_started_at)
    values ('nightly', '*/5 * * * *', 'acme', now() - interval '2 hours'),
      ('fresh', '*/5 * * * *', 'acme', now())`
  await sql`
    insert into foreword_private.budget (account, opened_at, probe_at, why)
    values ('acme', now(), now() + interval '1 minute', ${'\u001b[2Jdown'})`
  await sql`
    insert into foreword_private.worker (host, pid, version) values (${'host\u001b[2J'}, 1, '0.0.1')`
  await sql`
    update foreword_private.entry e
    set worker = (select max(id) from foreword_private.worker), state = 'applying'
    where e.id = (select min(id) from foreword_private.entry)`
  await sql`
    update foreword_private.entry e
    set state = 'in_doubt', due_at = null
    where e.id = (select max(id) from foreword_private.entry)`
}

t.test('every planted defect is found, and told with its remedy', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(3)), '--quiet'])
  await plantInSchema(b)
  await plantInWork(b)
  const all = await examined(b)
  t.equal(all.code, 1)
  has(t, all, 'fail', /^missing: entry_due$/)
  has(t, all, 'fail', /^ruling_by_entry is invalid$/)
  has(t, all, 'fail', /^foreword_operator lacks foreword\.approve$/)
  has(t, all, 'fail', /^foreword_reader lacks foreword\.intent$/)
  has(t, all, 'warn', /foreword\.resolve to everybody/)
  has(t, all, 'warn', /foreword_private\.entry to foreword_reader/)
  has(t, all, 'fail', /^the database is of another release/)
  has(t, all, 'fail', /^graphile-worker’s schema is \d+, its package at hand needs \d+/)
  has(t, all, 'warn', /^nightly \(\*\/5 \* \* \* \*\) is (\d+ min|2 h) overdue/)
  t.notOk(all.findings.some((f) => f.says.startsWith('fresh')))
  has(t, all, 'warn', /^acme: open \(/)
  has(t, all, 'fail', /^\d intents? under way and no worker is alive/)
  has(t, all, 'warn', /^worker \d+ on .* died with 1 intent in hand/)
  has(t, all, 'warn', /^1 doubt that only a person can end/)
  const { stdout } = await b.foreword(['doctor'])
  // eslint-disable-next-line no-control-regex -- that is what must not be there
  t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/)
  t.match(stdout, /^FAIL {2}indexes +missing: entry_due; make/m)
})

t.test('old transactions, and prepared ones, are told with who holds them', async (t) => {
  const b = await bench(t)
  const { sql } = b.database
  const open = await sql.reserve()
  t.teardown(() => open.release())
  await open`begin`
  await open`select pg_current_xact_id()`
  const all = await examined(b)
  has(t, all, 'ok', /the oldest open transaction is .* old \(pid \d+, foreword:test, idle in tr/)
  await open`prepare transaction 'left'`
  const later = await examined(b)
  has(t, later, 'fail', /^1 prepared transaction left open/)
  await open`rollback prepared 'left'`
})

t.test('work of a kind that no living worker has is told, however young it is', async (t) => {
  const b = await bench(t)
  const worker = b.start(['worker'])
  await worker.shows(/Ready/)
  await b.database.sql.begin('isolation level serializable', async (tx) => {
    for (const [i, kind] of ['floppy', 'floppy', 'tape'].entries()) {
      await tx`select foreword.intend('acme', ${kind}, ${`n${i}`}, 'create', '{}')`
    }
    await tx`select foreword.decide('test')`
  })
  const all = await examined(b)
  t.equal(all.code, 1)
  has(t, all, 'fail', /^2 intents of floppy under way, and no living worker has a provider for it$/)
  has(t, all, 'fail', /^1 intent of tape under way/)

  // Whoever looks elsewhere is told the same.
  const reason = 'no worker that lives provides kind tape'
  const because = { reason }
  t.match(await b.database.sql`select reason from foreword.intent where kind = 'tape'`, [because])
  t.match(await b.database.sql`select reason from foreword.resource where kind = 'tape'`, [because])
  const status = await b.foreword(['status'])
  t.match(status.stdout, /3 intents under way, no worker that lives provides floppy, tape/)
  t.match(status.stdout, new RegExp(`tape/n2.+${reason}`))
  const why = await b.foreword(['why', 'tape/n2'])
  t.match(why.stdout, new RegExp(`because +${reason}`))
  t.match(why.stdout, new RegExp(`pending, due \\S+, but ${reason}`))
  worker.child.kill('SIGTERM')
  await worker.ended
  const none = await examined(b)
  has(t, none, 'fail', /^3 intents under way and no worker is alive$/)
  t.notOk(none.findings.some((f) => f.says.includes('floppy')))
})

t.test('a reader sees what he may, and is told what not', async (t) => {
  const b = await bench(t)
  const { url } = await loginAs(t, b.database, ['foreword_reader'])
  const all = await examined(b, url)
  const wrong = all.findings.filter((f) => f.level === 'fail' && !isCareless(f))
  t.strictSame(wrong, [])
  has(t, all, 'unseen', /^cannot see: the schema graphile_worker/)
  for (const check of ['release', 'indexes', 'roles', 'workers', 'schedules', 'intents']) {
    t.ok(
      all.findings.some((f) => f.check === check && f.level === 'ok'),
      check,
    )
  }
  const nobody = await loginAs(t, b.database, [])
  const none = await examined(b, nobody.url)
  has(t, none, 'unseen', /^cannot see: permission denied/)
  t.notOk(none.findings.some((f) => f.level === 'fail' && !isCareless(f)))
})

t.test('no database, and one without foreword, are findings as well', async (t) => {
  const b = await bench(t, { migrated: false })
  const bare = await examined(b)
  t.equal(bare.code, 1)
  has(t, bare, 'fail', /^foreword is not deployed in this database$/)
  t.notOk(bare.findings.some((f) => f.check === 'workers'))
  const away = await examined(b, 'postgres://nobody@127.0.0.1:1/nothing')
  t.equal(away.code, 1)
  t.match(away.findings, [
    { check: 'server', level: 'fail', says: /^cannot reach the database/, remedy: /^start it/ },
  ])
  const wrong = await b.foreword(['doctor'], { env: { FOREWORD_DATABASE_URL: 'nonsense' } })
  t.equal(wrong.code, 1)
  t.equal(wrong.errors.length, 1)
})
