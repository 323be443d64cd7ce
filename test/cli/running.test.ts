/** up, worker, and how commands end: by signals, by kills, by closed pipes. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import t from 'tap'
import { eventually } from '../support/eventually.ts'
import { bench, recordStack, type Bench } from './harness.ts'

const open = async ({ database }: Bench): Promise<number> => {
  const [row] = await database.sql<{ open: number }[]>`
    select count(*) as open from foreword.intent where settled_at is null`
  return row?.open ?? -1
}

const settled = (b: Bench): Promise<unknown> =>
  eventually('all is settled', async () => (await open(b)) === 0, { deadline_ms: 60_000 })

t.test('up serves the page, carries out what is decided, and ends well by SIGTERM', async (t) => {
  const b = await bench(t, {
    config: `schedules: [{ name: 'drift', cron: '30 2 * * *', scope: 'acme' }]`,
  })
  const up = b.start(['up', '--port', '0'])
  const [, page = ''] = await up.shows(/page +(http:\S+)/)
  await up.shows(/Ready\./)
  await up.shows(/database +postgres:\/\/\S+/)
  await up.shows(/worker +\d+, for dns_record, ip, network, vm/)
  await up.shows(
    /schedules drift +30 2 \* \* \* +acme +reconcile all +next \d{4}-\d\d-\d\d 02:30 UTC/,
  )
  t.ok((await fetch(page)).ok)
  const applied = await b.foreword([
    'apply',
    '-f',
    await b.write('s.json', recordStack(3)),
    '--wait',
  ])
  t.equal(applied.code, 0, applied.stderr)
  t.notMatch(applied.stderr, /this process carries it out/)
  up.child.kill('SIGTERM')
  const ended = await up.ended
  t.equal(ended.code, 0, ended.stderr)
  const password = new URL(b.database.url).password
  if (password !== '') t.notMatch(ended.stdout + ended.stderr, password)
  const [row] = await b.database.sql<{ left: number }[]>`
    select count(*) as left from foreword.worker where stopped_at is not null`
  t.ok((row?.left ?? 0) >= 1, 'it took its leave')
})

t.test('Ctrl-C is 130, after a clean end', async (t) => {
  const b = await bench(t)
  const worker = b.start(['worker'])
  await worker.shows(/Ready\./)
  worker.child.kill('SIGINT')
  const ended = await worker.ended
  t.equal(ended.code, 130, ended.stderr)
  t.match(ended.stderr, /stopping/)
  const follow = b.start(['log', '--follow', '--json'])
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(1))])
  await follow.shows(/"verb":"create"/)
  follow.child.kill('SIGINT')
  t.equal((await follow.ended).code, 130)
})

t.test('Ctrl-C while waiting takes leave of what was begun here', async (t) => {
  const b = await bench(t)
  const file = await b.write('s.json', recordStack(1))
  const env = { CLOUD_URL: 'http://127.0.0.1:9' }
  const apply = b.start(['apply', '-f', file, '--wait'], { env })
  await eventually('it works here', async () => {
    const rows = await b.database.sql`select intent_id from foreword.attempt`
    return rows.length > 0
  })
  apply.child.kill('SIGINT')
  const ended = await apply.ended
  t.equal(ended.code, 130, ended.stderr)
  const [left] = await b.database.sql<{ workers: number; leased: number }[]>`
    select
      (select count(*) from foreword.worker where stopped_at is null) as workers,
      (select count(*) from foreword.intent where state = 'applying') as leased`
  t.strictSame({ ...left }, { workers: 0, leased: 0 })
})

t.test('a busy port: one line, and no worker was begun', async (t) => {
  const b = await bench(t)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const up = await b.foreword(['up', '--port', String(port), '--quiet'])
  t.equal(up.code, 1)
  t.match(up.errors, [new RegExp(`^foreword: port ${port} is busy, .*; .*--port`)])
  t.equal(up.errors.length, 1)
  t.strictSame([...(await b.database.sql`select id from foreword.worker`)], [])
})

t.test('what a killed up had in hand is carried out by the next, once each', async (t) => {
  const b = await bench(t, { faults: { profile: 'calm', delay_ms: [300, 300] } })
  const file = await b.write('s.json', recordStack(40))
  const up = b.start(['up', '--port', '0'])
  await up.shows(/Ready\./)
  // Not awaited: by its end all of them may be through.
  const apply = b.start(['apply', '-f', file])
  await eventually('some are in work', async () => {
    const rows = await b.database.sql`
      select id from foreword.intent where state = 'applying' limit 1`
    return rows.length > 0
  })
  up.child.kill('SIGKILL')
  await up.ended
  t.equal((await apply.ended).code, 0)
  const worker = b.start(['worker'])
  await worker.shows(/Ready\./)
  await settled(b)
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
  const states = await b.database.sql`select distinct state from foreword.intent`
  t.strictSame(
    states.map((row) => row['state'] as string),
    ['confirmed'],
  )
  t.equal((await b.ledger()).length, 40, 'no effect lost, none twice')
})

t.test('a worker whose database goes away ends with one line and exit 1', async (t) => {
  const b = await bench(t)
  const worker = b.start(['worker', '--quiet'])
  await eventually('it has entered', async () => {
    const rows = await b.database.sql`select id from foreword.worker where alive`
    return rows.length > 0
  })
  await b.database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'foreword:presence' and datname = current_database()`
  const ended = await worker.ended
  t.equal(ended.code, 1, ended.stderr)
  t.match(ended.errors.at(-1), /^foreword: the worker has ended: .*; start it again/)
})

t.test('what cannot be written, and a folder that is gone, are one line each', async (t) => {
  const b = await bench(t)
  const main = path.resolve(import.meta.dirname, '../../src/main.ts')
  const sh = (script: string) => {
    const env = { ...process.env, FOREWORD_DATABASE_URL: b.database.url }
    const ran = spawnSync('sh', ['-c', script], {
      cwd: b.folder,
      env: { ...env, CLOUD_URL: b.cloud },
      encoding: 'utf8',
    })
    return [ran.status, ran.stderr] as const
  }
  // What the test runner has every Node load asks for the folder too.
  const foreword = `NODE_OPTIONS= "${process.execPath}" "${main}"`
  if (existsSync('/dev/full')) {
    const [code, stderr] = sh(`${foreword} status --json >/dev/full`)
    t.equal(code, 1)
    t.match(stderr, /^foreword: what is told cannot be written \(ENOSPC\), standard output; .*\n$/)
  }
  const [code, stderr] = sh(`mkdir gone && cd gone && rmdir ../gone && ${foreword} status`)
  t.equal(code, 2)
  t.match(stderr, /^foreword: the folder that one is in was removed; .*\n$/)
})

t.test('what a configuration prints is not taken for an answer', async (t) => {
  const b = await bench(t)
  const chatty = 'console.log("[env] 3 variables"); console.info("and"); export default {}'
  await b.write('chatty.mjs', chatty)
  const { code, stdout, stderr } = await b.foreword(['--config', 'chatty.mjs', 'status', '--json'])
  t.equal(code, 0, stderr)
  t.ok(JSON.parse(stdout))
  t.match(stderr, /3 variables\nand/)
})

t.test('a reader that has seen enough ends the writer quietly', async (t) => {
  const b = await bench(t)
  let ttl = 61
  await b.foreword(['apply', '-f', await b.write('s.json', recordStack(3))])
  const main = path.resolve(import.meta.dirname, '../../src/main.ts')
  const shell = spawn(
    'sh',
    ['-c', `"${process.execPath}" "${main}" log --follow | head -n 1; echo end`],
    {
      cwd: b.folder,
      env: { ...process.env, FOREWORD_DATABASE_URL: b.database.url, CLOUD_URL: b.cloud },
    },
  )
  let [stdout, stderr] = ['', '']
  shell.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const closed = once(shell, 'close')
  let over = false
  void closed.then(() => (over = true))
  // As with tail -f, a writer learns with its next line that nobody reads.
  await eventually(
    'the writer ends',
    async () => {
      if (!over) await b.foreword(['apply', '-f', await b.write('s.json', recordStack(3, ttl++))])
      return over
    },
    { deadline_ms: 60_000 },
  )
  await closed
  t.match(stdout, /^UTC.*\nend\n$/)
  t.equal(stderr, '')
})
