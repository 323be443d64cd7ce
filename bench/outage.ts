/**
 * An outage's backlog: intents pile up while the API refuses connections, two workers find out when it is
 * back, and drain them within the account's rate. Ours is calls per second over the whole drain, the floor
 * the rate itself: the ratio can only be missed from below, and a call too many is an error.
 */
import { drainAfterOutage } from '../test/support/outage.ts'
import { benchDatabase } from './database.ts'
import { compared, type BenchLine } from './rounds.ts'

const rate = { per_second: 500, burst: 100 }
const cases = [
  { name: '10k', intents: 10_000 },
  { name: '100k', intents: 100_000 },
  /** Takes as long as it says: only where it is asked for. */
  { name: 'one hour, 100k', intents: 100_000, outage_ms: 3_600_000 },
]

export const benchOutage = async (
  _rounds: number,
  _duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const lines: BenchLine[] = []
  for (const { name, intents, outage_ms = 0 } of cases) {
    if (only === '' ? outage_ms > 0 : only !== name) continue
    const { url, close } = await benchDatabase()
    try {
      const how = { url, intents, rate, workers: 2, outage_probes: 4, outage_ms }
      const told = await drainAfterOutage(how)
      console.error(`${name}: ${JSON.stringify(told)}`)
      if (told.confirmed !== intents) throw new Error('not all of them were confirmed')
      if (told.ahead_max > 0) throw new Error(`${told.ahead_max} calls more than the bucket had`)
      const ours = intents / told.drain_s
      lines.push(
        compared('outage', `${name}, drained`, [ours], [rate.per_second], 'calls/s'),
        compared('outage', `${name}, in vain`, [told.outage_calls], [intents], 'calls'),
      )
    } finally {
      await close()
    }
  }
  return lines
}
