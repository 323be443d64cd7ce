/**
 * `npm run demo`: the main job, once. Processes race for a quota, a worker is killed in mid-call, the
 * cloud drifts; at the end everything is counted and checked. Exits 0 if it is as promised.
 */
import { parseArgs } from 'node:util'
import { errorLine } from '../../src/domain/errors.ts'
import { ForewordError } from '../../src/index.ts'
import { makeDrift } from './drifting.ts'
import { killMidCall } from './killing.ts'
import { live } from './life.ts'
import { raceForQuota } from './race.ts'
import { cores_per_vm } from './scale-out.ts'
import { createStory, type Story } from './story.ts'
import { summarize } from './summary.ts'
import { startWorld, type World } from './world.ts'

const usage = `usage: npm run demo [-- OPTIONS]
  --quick    fewer processes and vms
  --keep     leave the database running at the end, to look around in, until Ctrl-C
  --seed N   another course of faults; default 1`

interface Options {
  readonly quick: boolean
  readonly keep: boolean
  readonly seed: number
}

const sizes = {
  usual: { deciders: 6, asks: 6, vms_raced: 20, vms_launched: 12 },
  quick: { deciders: 4, asks: 3, vms_raced: 6, vms_launched: 6 },
} as const

const parseOptions = (args: readonly string[]): Options | 'help' => {
  const flag = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { quick: flag, keep: flag, help: flag, seed: { type: 'string', default: '1' } },
    })
    if (values.help) return 'help'
    if (!/^\d{1,9}$/.test(values.seed)) throw new Error('--seed is a whole number')
    return { quick: values.quick, keep: values.keep, seed: Number(values.seed) }
  } catch (error) {
    throw new ForewordError(error instanceof Error ? error.message : String(error), {
      remedy: 'see npm run demo -- --help',
      exit_code: 2,
      cause: error,
    })
  }
}

const play = async (world: World, story: Story, quick: boolean): Promise<boolean> => {
  const { deciders, asks, vms_raced, vms_launched } = quick ? sizes.quick : sizes.usual
  const cores_raced = vms_raced * cores_per_vm
  const cores_max = cores_raced + vms_launched * cores_per_vm
  const refused = await raceForQuota(world, story, { deciders, asks, cores_max: cores_raced })
  await killMidCall(world, story, { vms: vms_launched, cores_max })
  await makeDrift(world, story)
  return await summarize(world, story, { refused, cores_max })
}

const tellNext = (story: Story): void => {
  story.title('Next')
  story.lines([
    ['npm run demo -- --keep', 'once more, and then look around in it'],
    ['npm start', 'database, worker and page for your own'],
    ['docs/demo.md', 'what happened here, explained'],
  ])
}

/** Until Ctrl-C, which is then the end that was meant. */
const keepOpen = async (world: World, story: Story, signal: AbortSignal): Promise<void> => {
  story.title('Look around, until Ctrl-C; in another terminal:')
  story.lines([
    [`export FOREWORD_DATABASE_URL=${world.url}`, ''],
    ['npm run foreword -- status', 'or log, why vm/web-01, psql'],
  ])
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}

const run = async (options: Options): Promise<number> => {
  const story = createStory(process.stdout, process.env)
  const began = performance.now()
  let seconds = 0
  story.title('foreword: the word before the deed')
  story.text('The main job, once, in a temporary folder: nothing of yours is touched.')
  const exit_code = await live(async (life) => {
    const world = await startWorld({ ...life, story, seed: options.seed })
    const holds = await life.unlessOver(play(world, story, options.quick))
    seconds = Math.round((performance.now() - began) / 1_000)
    if (!holds) story.title('Not as promised, see above. Please report it.')
    if (options.keep) await keepOpen(world, story, life.signal)
    return holds ? 0 : 1
  }, story.progress)
  if (exit_code === 0) {
    story.title(`All as promised, in ${seconds} s. Nothing of it is left behind.`)
    tellNext(story)
  } else if (exit_code > 128) story.title('Stopped. Nothing of it is left behind.')
  return exit_code
}

const main = async (): Promise<number> => {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options !== 'help') return await run(options)
    process.stdout.write(`${usage}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ForewordError)) throw error
    process.stderr.write(`${errorLine(error)}\n`)
    return error.exit_code
  }
}

process.exitCode = await main()
