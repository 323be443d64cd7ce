/**
 * `npm run torture -- [--schedules N] [--seed S] [--json] [--no-mutants] [--lanes L] [--without I,J]`.
 * Progress on stderr, one line of JSON on stdout. See docs/torture.md.
 */
import { parseArgs } from 'node:util'
import { openGrounds } from './grounds.ts'
import { huntAll } from './hunt.ts'
import { addBag, isClean } from './tally.ts'
import { torture } from './torture.ts'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    schedules: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: true },
    lanes: { type: 'string' },
    without: { type: 'string', default: '' },
  },
})

const whole = (option: string, text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  console.error(`torture: --${option} must be a whole number, not ${text}`)
  process.exit(2)
}

const progress = (line: string): void => {
  if (!values.json) process.stderr.write(`${line}\n`)
}

const lanes = values.lanes === undefined ? {} : { lanes: whole('lanes', values.lanes) }
const schedules = whole('schedules', values.schedules)
const seed = whole('seed', values.seed)
const without =
  values.without === '' ? [] : values.without.split(',').map((n) => whole('without', n))
const began = performance.now()
const grounds = await openGrounds()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    progress(`torture: ${signal}, stopping the servers`)
    // What is under way fails with its server; it has nobody to tell.
    void grounds.close().finally(() => process.exit(1))
  })
}
try {
  const tally = await torture(grounds, { schedules, seed, without, progress, ...lanes })
  if (values.mutants) addBag(tally, await huntAll(grounds, { progress, ...lanes }))
  tally.seconds = Math.round((performance.now() - began) / 1_000)
  console.log(JSON.stringify(tally))
  process.exitCode = isClean(tally) ? 0 : 1
} finally {
  await grounds.close()
}
