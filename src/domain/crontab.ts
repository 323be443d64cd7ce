// Crontab lines as graphile-worker reads them: five fields in UTC; numbers, *, */n, a-b, lists of these.
import * as E from 'fp-ts/lib/Either.js'

/** The minutes, hours, days and months at which a line fires, each sorted. */
export interface Crontab {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly dates: readonly number[]
  readonly months: readonly number[]
  /** 0 is Sunday. */
  readonly dows: readonly number[]
}

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
}

const minute: Field = { name: 'minute', min: 0, max: 59 }
const hour: Field = { name: 'hour', min: 0, max: 23 }
const date: Field = { name: 'day of month', min: 1, max: 31 }
const month: Field = { name: 'month', min: 1, max: 12 }
/** 7 is Sunday as well. */
const dow: Field = { name: 'day of week', min: 0, max: 7 }

const steps = (from: number, to: number, step: number): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => from + at * step)

const outside = ({ name, min, max }: Field, value: number): string =>
  `${name} ${value} is not in ${min}-${max}`

const parsePart = (part: string, field: Field): E.Either<string, readonly number[]> => {
  const [, step] = /^\*(?:\/(\d+))?$/.exec(part) ?? []
  if (part.startsWith('*') && (part === '*' || step !== undefined)) {
    if (Number(step ?? 1) < 1) return E.left(`${field.name} step ${part} is not at least 1`)
    return E.right(steps(field.min, field === dow ? 6 : field.max, Number(step ?? 1)))
  }
  const [, first, second] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? []
  if (first === undefined)
    return E.left(`${field.name} ${JSON.stringify(part)} is not a number, *, */n or a-b`)
  const from = Number(first)
  const to = Number(second ?? first)
  for (const value of [from, to])
    if (value < field.min || value > field.max) return E.left(outside(field, value))
  if (second !== undefined && to <= from)
    return E.left(`${field.name} range ${part} does not go upwards`)
  return E.right(steps(from, to, 1))
}

const parseField = (text: string, field: Field): E.Either<string, readonly number[]> => {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const parsed = parsePart(part, field)
    if (E.isLeft(parsed)) return parsed
    for (const value of parsed.right) values.add(field === dow ? value % 7 : value)
  }
  return E.right([...values].sort((a, b) => a - b))
}

const days_max = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** With days of the week named, cron fires on either; otherwise the month must have such a day. */
const everFires = ({ dates, months, dows }: Crontab): boolean =>
  dows.length < 7 || months.some((at) => (dates[0] ?? 32) <= (days_max[at - 1] ?? 0))

/** Left: what is wrong, as a sentence without the line itself. A line that never fires is refused too. */
export const parseCrontab = (line: string): E.Either<string, Crontab> => {
  const fields = line.split(/\s+/)
  const [a, b, c, d, e] = fields
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    return E.left(`it has ${fields.length} of the five fields`)
  if (fields.length > 5) return E.left(`it has ${fields.length} fields instead of five`)
  const minutes = parseField(a, minute)
  if (E.isLeft(minutes)) return minutes
  const hours = parseField(b, hour)
  if (E.isLeft(hours)) return hours
  const dates = parseField(c, date)
  if (E.isLeft(dates)) return dates
  const months = parseField(d, month)
  if (E.isLeft(months)) return months
  const dows = parseField(e, dow)
  if (E.isLeft(dows)) return dows
  const parsed: Crontab = {
    minutes: minutes.right,
    hours: hours.right,
    dates: dates.right,
    months: months.right,
    dows: dows.right,
  }
  return everFires(parsed) ? E.right(parsed) : E.left('no such day ever comes')
}
