/** When a crontab line fires next, for people: graphile-worker keeps its own count. */
import * as E from 'fp-ts/lib/Either.js'
import { parseCrontab, type Crontab } from './crontab.ts'

/** 29 February comes after eight years at the latest (2096 to 2104). */
const days_max = 366 * 8 + 1
const day_ms = 86_400_000

/** With days of the month and of the week both restricted, cron fires on either. */
const isDay = (line: Crontab, day: Date): boolean => {
  const date = line.dates.includes(day.getUTCDate())
  const dow = line.dows.includes(day.getUTCDay())
  const either = line.dates.length < 31 && line.dows.length < 7
  return line.months.includes(day.getUTCMonth() + 1) && (either ? date || dow : date && dow)
}

/** The first whole minute after `from`, UTC; null: never. */
export const nextRun = (line: Crontab, from: Date): Date | null => {
  const midnight = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate())
  for (let day = 0; day < days_max; day++) {
    const start = midnight + day * day_ms
    if (!isDay(line, new Date(start))) continue
    for (const hour of line.hours) {
      for (const minute of line.minutes) {
        const at = start + (hour * 60 + minute) * 60_000
        if (at > from.getTime()) return new Date(at)
      }
    }
  }
  return null
}

/** The same of a line as it is written; null also where it is none. */
export const nextRunOf = (cron: string, from: Date): Date | null => {
  const line = parseCrontab(cron)
  return E.isRight(line) ? nextRun(line.right, from) : null
}
