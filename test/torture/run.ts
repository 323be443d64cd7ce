/** `npm run torture -- [--schedules N] [--seed S] [--json] [--lanes L] [--without I,J]`. See docs/torture.md. */
import { parseArgs } from 'node:util'
import { isClean } from './tally.ts'
import { openGrounds, torture } from './torture.ts'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
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
  process.stderr.write(`${line}\n`)
}

const grounds = await openGrounds()
try {
  const tally = await torture(grounds, {
    schedules: whole('schedules', values.schedules),
    seed: whole('seed', values.seed),
    without: values.without === '' ? [] : values.without.split(',').map(Number),
    progress: values.json ? () => undefined : progress,
    ...(values.lanes === undefined ? {} : { lanes: whole('lanes', values.lanes) }),
  })
  console.log(JSON.stringify(tally))
  process.exitCode = isClean(tally) ? 0 : 1
} finally {
  await grounds.close()
}
