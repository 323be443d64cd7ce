/**
 * One autoscaler in a process of its own: waits for the start of the race, asks for one vm after the
 * other, and tells its parent what it was answered.
 */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '../../src/index.ts'
import config from './config.ts'
import { scaleOut, scope } from './scale-out.ts'

/** What the parent is told at the end. */
export interface Tally {
  readonly decided: number
  readonly refused: number
}

const tell = (message: 'ready' | Tally): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => {
      if (error === null) resolve()
      else reject(error)
    })
  })

const [name = '', asks = '1', cores_max = '0'] = process.argv.slice(2)
// Whoever started this process and is gone must not leave it behind.
process.once('disconnect', () => process.exit())

const foreword = await connect(config)
await tell('ready')
await once(process, 'message')

const tally = { decided: 0, refused: 0 }
while (tally.decided + tally.refused < Number(asks)) {
  const result = await foreword.decide(scaleOut, {
    scope,
    actor: name,
    reason: 'load is high',
    input: { vms: 1, cores_max: Number(cores_max) },
  })
  if (result.type === 'decided') tally.decided += 1
  else if (result.type === 'refused') tally.refused += 1
  // Others were faster ten times in a row; nothing was written.
  else if (result.type === 'gave_up') await pause(20 + Math.random() * 80)
  else throw new Error(`scale-out: ${JSON.stringify(result)}`)
}
await foreword.close()
await tell(tally)
process.disconnect()
