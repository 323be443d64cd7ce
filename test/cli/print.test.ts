/** What is printed: fits, aligns, and cannot be obeyed. */
import * as E from 'fp-ts/lib/Either.js'
import stringWidth from 'string-width'
import t from 'tap'
import { nextRun } from '../../src/domain/cron-next.ts'
import { harmless, span, table, truncate, wrapped } from '../../src/cli/print.ts'
import { parseCrontab } from '../../src/domain/crontab.ts'

t.test('control characters and direction marks become text', async (t) => {
  t.equal(harmless('a\u001b[31mb\u0007\n\tc\u009b'), 'a\\x1b[31mb\\x07\\n\\tc\\x9b')
  t.equal(harmless('evil\u202egpj'), 'evil\\u202egpj')
  t.equal(harmless('東京 é 👩‍💻'.replaceAll('\u200d', '')), '東京 é 👩💻', 'everything else stays')
})

t.test('nothing is wider than it may be, whatever its characters', async (t) => {
  for (const text of ['plain text', '東京都千代田区', 'e\u0301'.repeat(20), '👩‍👩‍👧'.repeat(5), '']) {
    for (const width of [0, 1, 2, 5, 9, 80]) {
      t.ok(stringWidth(truncate(text, width)) <= width, `${text} in ${width}`)
      for (const line of wrapped(text, width, 3)) t.ok(stringWidth(line) <= width)
    }
  }
  t.equal(truncate('example.org', 8), 'example…')
  t.strictSame(wrapped('one two three four', 9, 2), ['one two', 'three fo…'])
  t.strictSame(wrapped('one two three', Infinity, 3), ['one two three'])
})

t.test('a table fits: spare columns go, then long ones are cut', async (t) => {
  const columns = [
    { title: 'name', min: 6 },
    { title: 'n', align: 'right' as const },
    { title: 'spare', spare: 1 },
  ]
  const rows = [
    ['a-very-long-name', '1', 'x'],
    ['東京', '22', 'y'],
  ]
  t.strictSame(table(columns, rows, { width: Infinity }), [
    'name               n  spare',
    'a-very-long-name   1  x',
    '東京              22  y',
  ])
  t.strictSame(table(columns, rows, { width: 12 }), [
    'name       n',
    'a-very-…   1',
    '東京      22',
  ])
  for (const width of [10, 15, 20, 40]) {
    for (const line of table(columns, rows, { width })) t.ok(stringWidth(line) <= width, line)
  }
})

t.test('spans of time in the unit that says enough', async (t) => {
  t.strictSame([5, 1_500, 150_000, 10_000_000, 300_000_000].map(span), [
    '5 ms',
    '2 s',
    '3 min',
    '3 h',
    '3 d',
  ])
})

t.test('the next run of a crontab line', async (t) => {
  const next = (line: string, from: string): string | undefined => {
    const parsed = parseCrontab(line)
    return E.isRight(parsed) ? nextRun(parsed.right, new Date(from))?.toISOString() : undefined
  }
  t.equal(next('*/5 * * * *', '2026-11-22T16:20:00Z'), '2026-11-22T16:25:00.000Z')
  t.equal(next('30 2 * * 1-5', '2026-11-20T03:00:00Z'), '2026-11-23T02:30:00.000Z')
  t.equal(next('0 0 29 2 *', '2096-03-01T00:00:00Z'), '2104-02-29T00:00:00.000Z')
  t.equal(next('0 0 13 * 5', '2026-11-22T00:00:00Z'), '2026-11-27T00:00:00.000Z', 'either day')
  t.equal(next('59 23 31 12 *', '2026-12-31T23:59:00Z'), '2027-12-31T23:59:00.000Z')
})
