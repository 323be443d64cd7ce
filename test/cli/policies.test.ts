/** Policies as a person meets them: in a plan, in what waits, and in SQL. */
import t from 'tap'
import { sqlstateOf } from '../support/sql-client.ts'
import { bench } from './harness.ts'

const config = `
  policies: [
    { kind: 'vm', deletes_max: 1 },
    { kind: 'dns_record', name: '*.prod.', approve: ['create'] },
    { kind: 'network', prevent_destroy: true },
  ],`

const stack = (...names: readonly string[]): string =>
  JSON.stringify({
    scope: 'acme',
    resources: [
      { kind: 'network', name: 'lan', spec: { cidr: '10.0.0.0/24' } },
      ...names.map((name) => ({ kind: 'vm', name, spec: { size: 's' } })),
    ],
  })

t.test('a plan says what would await approval, and several are approved at once', async (t) => {
  const b = await bench(t, { config })
  const three = await b.write('three.json', stack('a', 'b', 'c'))
  t.equal((await b.foreword(['apply', '-f', three, '--wait=60'])).code, 0)
  const one = await b.write('one.json', stack('a'))
  const plan = await b.foreword(['plan', '-f', one, '--prune'])
  t.match(
    plan.stdout,
    /- delete vm\/b\n +awaits approval: 2 deletions of vm in acme by one decision, 1 at most/,
  )
  const json = JSON.parse(
    (await b.foreword(['plan', '-f', one, '--prune', '--json'])).stdout,
  ) as unknown
  t.match(json, { changes: [{ verb: 'delete', waits: /1 at most/ }, { waits: /1 at most/ }] })
  const applied = await b.foreword(['apply', '-f', one, '--prune', '--wait=60'])
  t.equal(applied.code, 3)
  t.match(
    applied.stdout,
    /delete vm\/b, intent \d+: 2 deletions of vm in acme by one decision, 1 at most/,
  )
  const rows = await b.database.sql<{ id: number }[]>`
    select id from foreword.intent where state = 'awaiting_approval' order by id`
  const doubts = await b.foreword(['doubts'])
  t.match(doubts.stdout, /because +2 deletions of vm in acme by one decision, 1 at most/)
  const approved = await b.foreword([
    'approve',
    ...rows.map(({ id }) => String(id)),
    '--note',
    'meant so',
  ])
  t.equal(approved.code, 0, approved.stderr)
  t.match(await b.database.sql`select ruling, by, note from foreword.ruling`, [
    { ruling: 'approve', by: /@/, note: 'meant so' },
    { ruling: 'approve', by: /@/, note: 'meant so' },
  ])
  t.equal((await b.foreword(['apply', '-f', one, '--wait=60'])).code, 0)
})

t.test('a client of SQL is under the policies that `foreword migrate` registers', async (t) => {
  const b = await bench(t, { config })
  const { sql } = b.database
  t.equal((await b.foreword(['migrate'])).code, 0)
  const decided = (kind: string, name: string, verb: string) =>
    sql.begin('isolation level serializable', async (tx) => {
      await tx`select foreword.intend('acme', ${kind}, ${name}, ${verb}, ${verb === 'delete' ? null : tx.json({})})`
      await tx`select foreword.decide('in-sql')`
    })
  await decided('network', 'lan', 'create')
  t.equal(await sqlstateOf(decided('network', 'lan', 'delete')), 'FW026')
  await decided('dns_record', 'www.prod.', 'create')
  await decided('dns_record', 'www.test.', 'create')
  t.same(await sql`select name, state from foreword.intent order by id`, [
    { name: 'lan', state: 'pending' },
    { name: 'www.prod.', state: 'awaiting_approval' },
    { name: 'www.test.', state: 'pending' },
  ])
})

t.test('what waits for its window is told so, by whoever asks and whoever waits', async (t) => {
  const in_days = new Date(Date.now() + 3 * 86_400_000).toUTCString().slice(0, 3).toLowerCase()
  const b = await bench(t, {
    config: `policies: [{ kind: 'vm', window: { days: ['${in_days}'], from: '06:00', to: '07:00' } }],`,
  })
  const worker = b.start(['worker'])
  await worker.shows(/Ready/)
  const file = await b.write('s.json', stack('a'))
  const applied = await b.foreword(['apply', '-f', file, '--wait=3'])
  t.equal(applied.code, 4)
  const told = /outside of its maintenance window, which opens at \d{4}-\d\d-\d\d 06:00 UTC/
  t.match(applied.stdout, told)
  t.match((await b.foreword(['status'])).stdout, told)
  t.match(
    (await b.foreword(['why', 'vm/a'])).stdout,
    /pending, waits for its maintenance window, which opens at \d{4}-\d\d-\d\d 06:00 UTC/,
  )
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
})
