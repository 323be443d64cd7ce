/** `foreword archive` as a person types it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { age } from '../support/aged.ts'
import { eventually } from '../support/eventually.ts'
import { bench, recordStack } from './harness.ts'

t.test('what was asked wrong is told in one line, and nothing is moved', async (t) => {
  const b = await bench(t)
  for (const [args, line] of [
    [[], /nothing says how long .*; say it: --older-than 30d, or retention/],
    [['--older-than', 'soon'], /"soon" is no span of time; write it like 30d/],
    [['--older-than', '10m'], /keeps an hour at least, 10m is less; /],
    [['--older-than', '999999999999d'], /nothing is as old as 999999999999d; say a shorter/],
    [['--older-than', '30d', '--to', ''], /--to names no folder; /],
    [['x.ndjson', '--older-than', '30d'], /files are read back with --verify/],
    [['--verify', '--dry-run'], /--verify only reads/],
  ] as const) {
    const ran = await b.foreword(['archive', ...args])
    t.equal(ran.code, 2, args.join(' '))
    t.equal(ran.errors.length, 1, ran.stderr)
    t.match(ran.errors[0], line)
    t.equal(ran.stdout, '')
  }
})

t.test(
  'archive moves what is old, tells how much, and reads it back; the rest tells of it',
  async (t) => {
    const b = await bench(t)
    for (const ttl of [60, 120, 180]) {
      const file = await b.write('s.json', recordStack(2, ttl))
      const applied = await b.foreword(['apply', '-f', file, '--wait', '--quiet'])
      t.equal(applied.code, 0, applied.stderr)
    }
    await age(b.database.sql, 40)
    const [first] = await b.database.sql<{ id: number; decision: string }[]>`
    select id, decision_id as decision from foreword.intent order by id limit 1`
    const to = ['--older-than', '30d', '--to', 'kept']
    const looked = await b.foreword(['archive', ...to, '--dry-run'])
    t.match(looked.stdout, /^Would archive \d+ decisions? with \d+ entr/)
    const none = await b.foreword(['archive', '--verify'])
    t.match(none.stdout, /Nothing was archived yet/)
    const ran = await b.foreword(['archive', ...to])
    t.equal(ran.code, 0, ran.stderr)
    const counts = (text: string): string => text.replace(/, settled before .* UTC/, '')
    t.equal(counts(ran.stdout).replace('Archived', 'Would archive'), counts(looked.stdout))
    const verified = await b.foreword(['archive', '--verify'])
    t.equal(verified.code, 0, verified.stderr)
    t.match(verified.stdout, /✓ .*\.ndjson.*\n1 file read back, as the log says/)
    const audited = await b.foreword(['audit'])
    t.equal(audited.code, 0, audited.stdout)
    t.match(
      audited.stdout,
      /archived in 1 file: the laws hold of what is kept\.\nWhat is kept of the log is whole/,
    )
    const why = await b.foreword(['why', String(first?.id)])
    t.equal(why.code, 1)
    t.match(why.stderr, /intent \d+ is not in the log: it is archived, or never was/)
    const decision = await b.foreword(['why', first?.decision ?? ''])
    t.match(decision.stderr, /decision \S+ is archived, .*\.ndjson; for example: grep/)
    const then = await b.foreword(['status', '--at', '-961h'])
    t.equal(then.code, 1)
    t.match(then.stderr, /What was assumed in acme at .* is archived/)
    const logged = await b.foreword(['log'])
    t.match(logged.stderr, /of before \S+ \S+ UTC some or all is archived/)
    const replayed = await b.foreword(['replay', '--since', '-60d'])
    t.match(replayed.stdout, /1 archived/)
    const newest = await b.foreword(['why', 'dns_record/r0.example.org.'])
    t.equal(newest.code, 0, newest.stderr)
    t.match(newest.stdout, /version 3/)
    t.match(newest.stdout, /… 1 earlier version; of before \S+ \S+ UTC some or all are archived/)

    const folder = path.join(b.folder, 'kept')
    const [file = ''] = await readdir(folder)
    const text = await readFile(path.join(folder, file), 'utf8')
    await writeFile(path.join(folder, file), text.slice(0, -20))
    const broken = await b.foreword(['archive', '--verify'])
    t.equal(broken.code, 1)
    t.match(broken.stdout, /✗ .*: line \d+ is no JSON/)
  },
)

t.test(
  'an open transaction that holds the archive back is named, and so is a prepared one',
  async (t) => {
    const b = await bench(t)
    const { sql } = b.database
    // A second is an hour here: nobody waits for one.
    const [horizon] = await sql<{ text: string }[]>`
    select pg_get_functiondef('foreword_code.archive_horizon'::regproc) as text`
    const hour = 'greatest(p_older_than, under_way)'
    const quick = horizon?.text.replace(hour, "interval '1 second'") ?? ''
    t.not(quick, horizon?.text)
    await sql.unsafe(quick)
    const open = await sql.reserve()
    t.teardown(() => open.release())
    const [mine] = await open<{ pid: number }[]>`select pg_backend_pid() as pid`
    const archived = () => b.foreword(['archive', '--older-than', '1h', '--to', 'kept'])

    await open`begin`
    await eventually('it is old', async () => {
      const rows = await sql`
      select from pg_stat_activity
      where pid = ${mine?.pid ?? 0} and clock_timestamp() - xact_start > interval '2 seconds'`
      return rows.length > 0
    })
    const held = await archived()
    t.equal(held.code, 0, held.stderr)
    const who = `the transaction of pid ${mine?.pid ?? 0} \\(foreword:test, login \\w+, idle in transaction\\)`
    t.match(held.stderr, new RegExp(`${who}, open since [-\\d]{10} [:\\d]{8} UTC, holds back`))
    t.match(held.stderr, /pg_terminate_backend/)

    await open`prepare transaction 'forgotten'`
    await eventually('it is old', async () => {
      const rows = await sql`
      select from pg_prepared_xacts where clock_timestamp() - prepared > interval '2 seconds'`
      return rows.length > 0
    })
    const prepared = await archived()
    await open`rollback prepared 'forgotten'`
    t.match(
      prepared.stderr,
      /the prepared transaction "forgotten" \(login \w+\), open since .*rollback prepared/,
    )
    const free = await archived()
    t.notMatch(free.stderr, /holds back/)
  },
)
