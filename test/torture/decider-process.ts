/** Runs its jobs, three at a time, and tells what it was told of each. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Decider, Reads } from '../../src/domain/decider.ts'
import { deciders, type JobInput } from './deciders.ts'
import { openSetting, scope, settingOf } from './setting.ts'
import { setTraps } from './trap.ts'
import type { Job } from './schedule.ts'

const setting = settingOf()
setTraps()
const engine = openSetting(setting)
console.log('alive')

const tries_max = 50

/** The database is away: again, unless nobody can tell what became of it. */
const thrown = (error: unknown) => {
  const what = String(error)
  return { type: what.includes('is unknown') ? ('unknown' as const) : ('away' as const), what }
}

const run = async ({ job, decider: name, n, wait_ms }: Job): Promise<void> => {
  const decider = deciders.get(name) as Decider<Reads, JobInput> | undefined
  if (decider === undefined) throw new Error(`no decider ${name}`)
  await pause(wait_ms)
  const input = { job, n, cores_max: setting.cores_max }
  for (let tries = 1; tries <= tries_max; tries++) {
    console.log(`begun ${job}`)
    const result = await engine.decide(decider, { scope, input, actor: 'torture' }).catch(thrown)
    console.log(`told ${job} ${JSON.stringify(result)}`)
    if (result.type !== 'away') return
    await pause(100)
  }
}

const left = [...setting.jobs]
const runAll = async (): Promise<void> => {
  for (let job = left.shift(); job !== undefined; job = left.shift()) await run(job)
}
await Promise.all([runAll(), runAll(), runAll()])
await engine.close()
console.log('done')
process.exit(0)
