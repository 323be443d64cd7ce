/** Times as people write them on a command line: `2026-11-25 14:05`, `2026-11-25T14:05:03.120Z`, `-1h30m`, `now`. */
import { ForewordError } from '../domain/errors.ts'
import { codeOf, type Sql } from '../store/connect.ts'
import { harmless } from './print.ts'

const example = 'write 2026-11-25T14:05:03Z, or how long ago: -90s, -1h30m, -2d; or now'

/** UTC where no zone is named, as everything that foreword tells. */
const absolute =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/i
const relative = /^[-−](?:\d+(?:\.\d+)?(?:ms|s|m|min|h|d|w))+$/
const parts = /(\d+(?:\.\d+)?)(ms|s|min|m|h|d|w)/g
const unit_ms = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
])

const wrong = (text: string, why: string): ForewordError =>
  new ForewordError(`${JSON.stringify(harmless(text))} ${why}`, { remedy: example, exit_code: 2 })

/** Milliseconds back from now; undefined: it says no such thing. */
const agoOf = (text: string): number | undefined => {
  if (text === 'now') return 0
  if (!relative.test(text)) return undefined
  return [...text.matchAll(parts)].reduce(
    (sum, [, count = '', unit = '']) => sum + Number(count) * (unit_ms.get(unit) ?? 0),
    0,
  )
}

/** Milliseconds of a span of time: `30d`, `1h30m`. Throws a ForewordError for what is none. */
export const spanOf = (text: string): number => {
  const ms = agoOf(`-${text}`)
  if (ms !== undefined) return ms
  throw new ForewordError(`${JSON.stringify(harmless(text))} is no span of time`, {
    remedy: 'write it like 30d, 12h or 1h30m',
    exit_code: 2,
  })
}

/** Whether a text could be a time at all: what begins with a dash could as well be an option. */
export const looksLikeTime = (text: string): boolean =>
  agoOf(text) !== undefined || absolute.test(text)

/** A moment by the database's clock, to the microsecond, as text: a Date would cut it. */
export interface Moment {
  readonly at: string
  /** `2026-11-25 14:05:03`, for people; with what is below seconds where it was asked for. */
  readonly told: string
}

/**
 * Times of one command, by one look at the database's clock. Throws a ForewordError for what is no time,
 * and for what is still to come: nobody knows yet what will be assumed then.
 */
export const momentsOf = async (sql: Sql, texts: readonly string[]): Promise<readonly Moment[]> => {
  const asked = texts.map((text) => {
    const ago_ms = agoOf(text)
    if (ago_ms !== undefined) return { text, ago_ms, time: null }
    const [, day = '', clock = '00:00', zone = 'Z'] = absolute.exec(text) ?? []
    if (day === '') throw wrong(text, 'is no time')
    return { text, ago_ms: null, time: `${day} ${clock}${zone}` }
  })
  const rows = await Promise.all(
    asked.map(({ text, ago_ms, time }) =>
      sql<{ at: string; later: boolean }[]>`
        select
          to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
          m.at > statement_timestamp() + interval '1 second' as later
        from (
          select coalesce(
            ${time}::text::timestamptz,
            statement_timestamp() - ${ago_ms}::double precision * interval '1 ms'
          ) as at
        ) m`.catch((error: unknown) => {
        // 22007, 22008: there is no 30th of February.
        throw codeOf(error).startsWith('22') ? wrong(text, 'is no time') : error
      }),
    ),
  )
  return rows.map(([row], i) => {
    if (row === undefined) throw new Error('a time was not told')
    if (row.later) throw wrong(texts[i] ?? '', 'is still to come')
    const whole = asked[i]?.time === null ? /\.\d*Z$/ : /\.?0*Z$/
    return { at: row.at, told: row.at.replace('T', ' ').replace(whole, '') }
  })
}
