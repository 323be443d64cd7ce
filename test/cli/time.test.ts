/** status --at and diff: what was, as a person asks for it. */
import stringWidth from 'string-width'
import t, { type Test } from 'tap'
import { connectSql } from '../../src/store/connect.ts'
import { momentsOf } from '../../src/cli/times.ts'
import { testDatabase } from '../support/database.ts'
import { bench, recordStack, type Bench, type Ran } from './harness.ts'

const wanted = async (b: Bench, stack: string, ...more: string[]): Promise<void> => {
  const file = await b.write('s.json', stack)
  const ran = await b.foreword(['apply', '-f', file, '--wait', '--quiet', ...more])
  if (ran.code !== 0) throw new Error(ran.stderr)
}

const clockOf = async (b: Bench): Promise<string> => {
  const [row] = await b.database.sql<{ at: string }[]>`select clock_timestamp()::text as at`
  return row?.at ?? ''
}

const oneLine = (t: Test, ran: Ran, line: RegExp): void => {
  t.equal(ran.code, 2, ran.stderr)
  t.equal(ran.errors.length, 1, ran.stderr)
  t.match(ran.errors[0], line)
  t.match(ran.errors[0], /^foreword: .*; /, 'what, where; remedy')
  t.equal(ran.stdout, '')
}

t.test('diff tells what was created, changed path by path, and deleted', async (t) => {
  const b = await bench(t)
  await wanted(b, recordStack(3))
  const before = await clockOf(b)
  await wanted(b, recordStack(2, 300), '--prune')
  const after = await clockOf(b)
  const ran = await b.foreword(['diff', 'acme', before, after])
  t.equal(ran.code, 0, ran.stderr)
  t.match(ran.stdout, /^acme, \S+ \S+ to \S+ \S+ UTC\n/)
  t.match(
    ran.stdout,
    /~ changed dns_record\/r0\.example\.org\. {2}v1 → v2, foreword\/converge for \S+\n {6}ttl: 60 → 300\n/,
  )
  t.match(ran.stdout, /- deleted dns_record\/r2\.example\.org\. {2}v1 → v2/)
  t.match(ran.stdout, /3 resources: 0 created, 2 changed, 1 deleted\.\n$/)
  const since_ever = await b.foreword(['diff', 'acme', '-1h', '--quiet'])
  t.match(since_ever.stdout, /^\+ created dns_record\/r0\.example\.org\. {2}v0 → v2/)
  t.match(since_ever.stdout, /\n {6}ttl: 300\n/)
  t.match(since_ever.stdout, /3 resources: 2 created, 0 changed, 0 deleted, 1 made and gone/)
  for (const span of [[`${before}..${after}`], [before]]) {
    t.match(
      (await b.foreword(['diff', 'acme', ...span])).stdout,
      /2 changed, 1 deleted/,
      span.join(),
    )
  }
  const json = await b.foreword(['diff', 'acme', '--json', before])
  t.match(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { change: 'changed', paths: [{ path: 'ttl', before: 60, after: 300 }], decider: String },
      { change: 'changed' },
      { change: 'deleted', version_before: 1, state_after: null, scope: 'acme' },
    ],
  )
  t.match((await b.foreword(['diff', 'elsewhere', '-1h'])).stdout, /No differences\.\n$/)
})

t.test('status --at tells what was assumed then, and what came of it', async (t) => {
  const b = await bench(t)
  await wanted(b, recordStack(2))
  await b.foreword(['apply', '-f', await b.write('t.json', recordStack(2, 300)), '--quiet'])
  const at = await clockOf(b)
  const [open] = await b.database.sql<{ id: number }[]>`
    select min(id) as id from foreword.intent where settled_at is null`
  await b.foreword(['cancel', String(open?.id)])
  const ran = await b.foreword(['status', '--at', at])
  t.equal(ran.code, 0, ran.stderr)
  t.match(ran.stdout, /^as it was assumed at \S+ \S+ UTC\n\nacme\n/)
  t.match(ran.stdout, /dns_record +2 +2 +1\n/, 'there, under way, taken back since')
  t.match(ran.stdout, new RegExp(`r0\\.example\\.org\\. +2 +.*#${open?.id ?? ''} cancelled`))
  const scoped = await b.foreword(['status', 'acme', '--at', at, '--json'])
  t.match(JSON.parse(scoped.stdout), {
    counts: [{ scope: 'acme', kind: 'dns_record', present: 2, under_way: 2, taken_back: 1 }],
    resources: [{ name: 'r0.example.org.', state: { ttl: 300 }, version: 2 }, {}],
  })
  const long_ago = await b.foreword(['status', '--at', '2001-02-03'])
  t.equal(long_ago.stdout, 'as it was assumed at 2001-02-03 00:00:00 UTC\nNothing was there.\n')
})

t.test('what is no time, or not yet, is told in one line, exit 2', async (t) => {
  const b = await bench(t)
  const cases: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [['status', '--at', 'yesterday'], /"yesterday" is no time; write 2026-/],
    [['status', '--at', '2026-02-30'], /"2026-02-30" is no time/],
    [['status', '--at', '2999-01-01'], /"2999-01-01" is still to come/],
    [['status', '--at', ''], /"" is no time/],
    [['status', '--at', '-1h', '--watch'], /--at and --watch do not go together/],
    [['diff', 'acme'], /missing required argument 'times'; see foreword diff --help/],
    [['diff', 'acme', '--bogus'], /unknown option --bogus; see foreword diff --help/],
    [['diff', 'acme', '-1h', '-2h'], /is later than .*; give the earlier one first/],
    [['diff', 'acme', '-2h', '-1h', 'now'], /more than two times/],
    [['diff', 'acme', '\u001b[2J'], /"\\\\x1b\[2J" is no time/],
  ]
  for (const [args, line] of cases) oneLine(t, await b.foreword(args), line)
})

t.test('no line is wider than the terminal, and nothing in it is obeyed', async (t) => {
  const b = await bench(t)
  await wanted(b, recordStack(1))
  const evil = '\u001b[2J\u202e'.repeat(30)
  await b.database.sql`
    update foreword_private.resource set name = ${'東京'.repeat(30)}`
  await b.database.sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update foreword_private.entry set assumed = jsonb_build_object(${evil}::text, ${evil}::text)`
    await tx`update foreword_private.decision set actor = ${evil}`
  })
  for (const args of [
    ['diff', 'acme', '-1h'],
    ['status', '--at', 'now'],
  ]) {
    const { stdout } = await b.foreword(args)
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, args.join(' '))
    t.ok(stdout.split('\n').every((line) => stringWidth(line) < 2_000))
  }
})

t.test('times are taken as they are written, UTC, to the microsecond', async (t) => {
  const { url } = await testDatabase(t)
  const sql = connectSql({ url, application_name: 'foreword:test', max: 2 })
  t.teardown(() => sql.end({ timeout: 5 }))
  const same: readonly (readonly [text: string, at: string])[] = [
    ['2026-01-02', '2026-01-02T00:00:00.000000Z'],
    ['2026-01-02 03:04', '2026-01-02T03:04:00.000000Z'],
    ['2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123456Z'],
    ['2026-01-02 03:04:05+02', '2026-01-02T01:04:05.000000Z'],
    ['2026-01-02T03:04:05-0530', '2026-01-02T08:34:05.000000Z'],
    ['2026-01-02 03:04:05.1 UTC', '2026-01-02T03:04:05.100000Z'],
  ]
  const moments = await momentsOf(
    sql,
    same.map(([text]) => text),
  )
  t.strictSame(
    moments.map(({ at }) => at),
    same.map(([, at]) => at),
  )
  t.equal(moments[0]?.told, '2026-01-02 00:00:00')
  t.equal(moments[2]?.told, '2026-01-02 03:04:05.123456')
  const [now, hour, ninety] = await momentsOf(sql, ['now', '-1h', '-1h30m'])
  const ago = (moment: { at: string } | undefined): number =>
    Math.round((Date.parse(now?.at ?? '') - Date.parse(moment?.at ?? '')) / 60_000)
  t.strictSame([ago(hour), ago(ninety)], [60, 90])
  for (const text of ['1h', '-1', '-1y', '--1h', '-h', '-99999999999999w', '10000-01-01']) {
    await t.rejects(momentsOf(sql, [text]), /is no time/, text)
  }
})
