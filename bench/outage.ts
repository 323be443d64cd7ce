/**
 * An outage's backlog: intents pile up while the API refuses connections, two workers find out when it is
 * back, and drain them within the account's rate. Ours is calls per second over the whole drain, the floor
 * the rate itself: the ratio can only be missed from below, and a call too many is an error.
 */
import { drainAfterOutage } from '../test/support/outage.ts'
import { benchDatabase } from './database.ts'
import { compared, type BenchLine } from './rounds.ts'

const rate = { per_second: 500, burst: 100 }
const sizes = { '10k': 10_000, '100k': 100_000 } as const

export const benchOutage = async (
  _rounds: number,
  _duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const lines: BenchLine[] = []
  for (const [name, intents] of Object.entries(sizes)) {
    if (only !== '' && only !== name) continue
    const { url, close } = await benchDatabase()
    try {
      const told = await drainAfterOutage({ url, intents, rate, outage_probes: 4, workers: 2 })
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
