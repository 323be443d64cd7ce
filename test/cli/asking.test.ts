/** status, log, why, doubts, url, psql: what they tell, and that all of it is harmless to a terminal. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { resourceId } from '../../src/domain/resource-id.ts'
import { eventually } from '../support/eventually.ts'
import { bench, recordStack, type Bench } from './harness.ts'

const applied = async (b: Bench, count: number): Promise<void> => {
  const file = await b.write('s.json', recordStack(count))
  const ran = await b.foreword(['apply', '-f', file, '--wait', '--quiet'])
  if (ran.code !== 0) throw new Error(ran.stderr)
}

t.test('every reading command has JSON that parses', async (t) => {
  const b = await bench(t)
  await applied(b, 2)
  const json = async (...args: string[]): Promise<unknown> => {
    const ran = await b.foreword([...args, '--json'])
    t.equal(ran.code, 0, ran.stderr)
    t.equal(ran.stderr, '')
    return JSON.parse(ran.stdout)
  }
  t.match(await json('status'), {
    health: { pending: 0 },
    counts: [{ scope: 'acme', kind: 'dns_record', condition: 'ready', count: 2, in_sync: 2 }],
    attention: [],
  })
  t.match(await json('why', 'dns_record/r0.example.org.'), {
    subject: { name: 'r0.example.org.', condition: 'ready' },
    entries: [
      { verb: 'create', premises: [{ version: 0 }, {}], attempts: [{ outcome: 'applied' }] },
    ],
  })
  t.strictSame(await json('doubts'), [])
  t.match(await json('url'), { url: b.database.url, log: null })
  t.match(await json('plan', '-f', 's.json'), { changes: [], unchanged: 2 })
  const log = await b.foreword(['log', '--json', '-n', '1'])
  t.match(JSON.parse(log.stdout), { kind: 'dns_record', verb: 'create', state: 'confirmed' })
})

t.test(
  'who asks of a scope that nobody knows is told so, and which one he may have meant',
  async (t) => {
    const b = await bench(t)
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(2)), '--quiet'])
    const told = /nothing is known of a scope amce yet; did you mean acme\?/
    for (const args of [
      ['status', 'amce'],
      ['status', 'amce', '--at', '2001-02-03'],
      ['log', 'amce'],
      ['reconcile', '--scope', 'amce'],
    ]) {
      const ran = await b.foreword(args)
      t.equal(ran.code, 0, args.join(' '))
      t.match(ran.stderr, told, args.join(' '))
      t.notMatch((await b.foreword(args.map((a) => (a === 'amce' ? 'acme' : a)))).stderr, /known/)
    }
    t.equal((await b.foreword(['status', 'amce', '--json'])).stderr, '')
  },
)

t.test('what the API refused is not in order, though nothing is under way', async (t) => {
  const b = await bench(t)
  const vm = { kind: 'vm', name: 'm', spec: { size: 's', network: 'net-none' } }
  const file = await b.write('s.json', JSON.stringify({ scope: 'acme', resources: [vm] }))
  t.equal((await b.foreword(['apply', '-f', file, '--wait', '--quiet'])).code, 1)
  const { stdout } = await b.foreword(['status'])
  t.match(stdout, /^● nothing under way, 1 resource is not in order/)
  t.match(stdout, /vm\/m +acme +rejected/)
})

t.test('status tells counts and what is not in order; one scope if asked', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(2)), '--quiet'])
  const status = await b.foreword(['status'])
  t.match(status.stdout, /2 intents wait, no worker is alive: start `foreword up`/)
  t.match(status.stdout, /acme\n\s+kind +pending +in sync\n\s+dns_record +2 +0\/2/)
  t.match(status.stdout, /dns_record\/r0\.example\.org\. +acme +pending/)
  const other = await b.foreword(['status', 'elsewhere'])
  t.match(other.stdout, /No resources in elsewhere yet/)
  const watch = b.start(['status', '--watch'])
  await watch.shows(/2 intents wait, no worker is alive.*2 pending\n/)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(3)), '--quiet'])
  await watch.shows(/3 intents wait, no worker is alive.*3 pending\n/)
  watch.child.kill('SIGINT')
  const { code, stdout } = await watch.ended
  t.equal(code, 130)
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => line.slice('2026-11-26 02:40:00'.length))
  const again = told.filter((line, i) => line === told[i - 1])
  t.same(again, [], 'into a pipe: a line for each change, and no other')
  t.notMatch(stdout, '\u001b')
})

t.test('when nobody reads any more, what goes on ends quietly with 0', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(1)), '--quiet'])
  let records = 1
  for (const args of [
    ['status', '--watch'],
    ['log', '--follow'],
  ]) {
    const goes_on = b.start(args)
    await goes_on.shows(/\n/)
    goes_on.child.stdout?.destroy()
    records += 1
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(records)), '--quiet'])
    const { code, stderr } = await goes_on.ended
    t.equal(code, 0, args.join(' '))
    t.equal(stderr, '')
  }
})

t.test('why tells what an intent waits for', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(2)), '--quiet'])
  const [last] = await b.database.sql<{ id: number }[]>`
    update foreword_private.entry e
    set waits_for = f.id, due_at = null
    from (select min(id) as id, max(id) as last from foreword_private.entry) f
    where e.id = f.last
    returning e.id`
  const { stdout } = await b.foreword(['why', `#${last?.id ?? ''}`])
  t.match(
    stdout,
    /pending, waits until #\d+ is through: create of dns_record\/r0\.example\.org\., pending/,
  )
  const [row] = await b.database
    .sql`select waits_for from foreword.intent where id = ${last?.id ?? 0}`
  t.match(row, { waits_for: Number })
})

t.test('why tells who decided, on what, and every attempt', async (t) => {
  const b = await bench(t)
  await applied(b, 1)
  const [row] = await b.database.sql<{ id: number }[]>`select id from foreword.intent`
  for (const what of [String(row?.id), `#${row?.id ?? ''}`, 'dns_record/r0.example.org.']) {
    const { stdout, stderr } = await b.foreword(['why', what])
    t.match(stdout, /^dns_record\/r0\.example\.org\. in acme: ready since/, stderr)
    t.match(stdout, /decided +by foreword\/converge v2 for \S+@\S+: apply -f s\.json/)
    t.match(stdout, /relied on +dns_record\/r0\.example\.org\. v0 \(never existed\)/)
    t.match(stdout, /sent +create \{ .* \}\n +idempotency key fw-\S+\n/)
    t.match(stdout, /attempt 1 +\d\d:\d\d:\d\d\.\d{3}, \d+ m?s, worker \d+: applied.*, answered \{/)
    t.match(stdout, /now +confirmed/)
  }
})

/** Inserts an entry as a decision does, in a transaction that stays open until told. */
const openEntry = async (b: Bench, name: string, until: Promise<void>): Promise<void> => {
  const id = resourceId('acme', 'vm', name)
  const decision = randomUUID()
  await b.database.sql.begin('isolation level serializable', async (tx) => {
    await tx`insert into foreword_private.resource (id, scope, kind, name) values (${id}, 'acme', 'vm', ${name})`
    await tx`
      insert into foreword_private.decision (id, scope, decider) values (${decision}, 'acme', 'test')`
    await tx`
      insert into foreword_private.entry (
        resource, version, scope, kind, decision, cause, verb, state, settled_at
      )
      values (${id}, 1, 'acme', 'vm', ${decision}, 'observation', 'observe', 'recorded', now())`
    await until
  })
}

t.test('log --follow misses no entry that commits after one with a larger number', async (t) => {
  const b = await bench(t)
  let release: () => void = () => undefined
  const early = openEntry(b, 'early', new Promise((resolve) => (release = resolve)))
  await eventually('the early one has its number', async () => {
    const [row] = await b.database.sql<{ is_called: boolean }[]>`
      select (pg_sequence_last_value(pg_get_serial_sequence('foreword_private.entry', 'id')::regclass) is not null) as is_called`
    return row?.is_called
  })
  const follow = b.start(['log', '--follow', 'acme', '--json'])
  await openEntry(b, 'late', Promise.resolve())
  await follow.shows(/"late"/)
  release()
  await early
  await follow.shows(/"early"/)
  await openEntry(b, 'last', Promise.resolve())
  await follow.shows(/"last"/)
  follow.child.kill('SIGINT')
  const { stdout } = await follow.ended
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: string }).name)
  t.strictSame(names, ['late', 'early', 'last'], 'each once')
})

t.test('nothing from outside reaches the terminal as a command', async (t) => {
  const b = await bench(t)
  await applied(b, 1)
  const evil = '\u001b]0;owned\u0007\u001b[2Jgone\u202egnp'
  await b.database.sql`
    update foreword_private.entry
    set state = 'in_doubt', settled_at = null, due_at = null, reason = ${evil}`
  await b.database.sql`update foreword_private.attempt set error = ${evil}, external_id = ${evil}`
  const commands = [
    ['status'],
    ['log'],
    ['doubts'],
    ['why', 'dns_record/r0.example.org.'],
    ['why', evil],
    ['apply', '-f', 's.json', '--wait=0'],
    ['status', evil],
    ['apply', '-f', evil],
    [evil],
  ]
  for (const args of commands) {
    const { stdout, stderr } = await b.foreword(args)
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    t.notMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, args.join(' '))
  }
  const doubts = await b.foreword(['doubts'])
  t.match(doubts.stdout, /Did create of dns_record\/r0\.example\.org\. happen\?/)
  t.match(doubts.stdout, /\\x1b\]0;owned/)
  t.match(doubts.stdout, /1 doubt, 1 waits for a person/)
})

t.test('url is the URL; psql gets it without its password in argv', async (t) => {
  const b = await bench(t)
  const url = await b.foreword(['url'])
  t.equal(url.stdout, `${b.database.url}\n`)
  const missing = await b.foreword(['psql'], { env: { PATH: '/nonexistent' } })
  t.equal(missing.code, 1)
  t.match(missing.errors, [/^foreword: psql is not installed, .*; install it/])
  const fake = await b.write('psql', '#!/bin/sh\necho "$@ [$PGPASSWORD]"\nexit 7\n')
  await import('node:fs/promises').then(({ chmod }) => chmod(`${b.folder}/${fake}`, 0o755))
  const at = new URL(b.database.url)
  at.password = 's3cret'
  const env = { PATH: `${b.folder}:${process.env['PATH'] ?? ''}` }
  const psql = await b.foreword(['psql', '--', '-c', 'select 1'], { env })
  t.equal(psql.code, 7, 'the exit code of psql')
  const own = new URL(b.database.url)
  const password = decodeURIComponent(own.password)
  own.password = ''
  t.equal(psql.stdout, `--dbname ${own.href} -c select 1 [${password}]\n`)
})
