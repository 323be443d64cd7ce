/** Plays many schedules, several side by side, and tells what came of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { openGround, type Ground } from './ground.ts'
import { judge, type Verdict } from './judge.ts'
import { drawSchedule } from './draw.ts'
import type { Schedule } from './schedule.ts'
import { shrink, tell, without } from './shrink.ts'
import { addTo, emptyTally, type Tally } from './tally.ts'

export interface TortureOptions {
  readonly schedules: number
  /** Of the first schedule; the next ones follow. */
  readonly seed: number
  readonly lanes?: number
  /** Places of faults that are left out: to see a shrunk schedule again. */
  readonly without?: readonly number[]
  readonly progress: (line: string) => void
}

/** How long everything may take to come to rest after the last fault: some leases must run out first. */
const rest_ms = 40_000
const shrink_runs_max = 16

/** One server for all, and one of its own for those that crash it: made when the first asks. */
export interface Grounds {
  readonly shared: () => Promise<Ground>
  readonly crashing: () => Promise<Ground>
  readonly cache: string
  readonly close: () => Promise<void>
}

const once = <A>(make: () => Promise<A>) => {
  let made: Promise<A> | undefined
  return { get: () => (made ??= make()), made: () => made }
}

export const openGrounds = async (): Promise<Grounds> => {
  const shared = once(openGround)
  const crashing = once(openGround)
  const cache = await mkdtemp(path.join(tmpdir(), 'foreword-torture-code-'))
  return {
    shared: shared.get,
    crashing: crashing.get,
    cache,
    close: async () => {
      for (const ground of [shared.made(), crashing.made()]) await (await ground)?.close()
      await rm(cache, { recursive: true, force: true })
    },
  }
}

const crashes = (schedule: Schedule): boolean => schedule.faults.some((f) => f.type === 'postgres')

/** Judges a schedule on the ground that it needs. */
const judgeOn =
  (grounds: Grounds) =>
  async (schedule: Schedule): Promise<Verdict> =>
    judge(schedule, {
      ground: await (crashes(schedule) ? grounds.crashing() : grounds.shared()),
      room: import.meta.dirname,
      cache: grounds.cache,
      rest_ms,
    })

/** Runs `work` on each, so many at a time. */
const sideBySide = async <A>(
  lanes: number,
  all: readonly A[],
  work: (a: A) => Promise<void>,
): Promise<void> => {
  const left = [...all]
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

const lanes_default = 2 * availableParallelism()

export const torture = async (grounds: Grounds, options: TortureOptions): Promise<Tally> => {
  const { seed, progress, lanes = lanes_default } = options
  const began = performance.now()
  const tally = emptyTally(seed)
  const points = new Set<string>()
  const judgeOne = judgeOn(grounds)
  const failed: Verdict[] = []
  const schedules = Array.from({ length: options.schedules }, (_, i) =>
    without(drawSchedule(seed + i), options.without ?? []),
  )
  const run = async (schedule: Schedule): Promise<void> => {
    const verdict = await judgeOne(schedule)
    addTo(tally, verdict)
    for (const point of verdict.sprung) points.add(point)
    if (verdict.breaches.length > 0) failed.push(verdict)
    const { decisions, effects, parked, sprung, took_ms, breaches } = verdict
    progress(
      `${tally.schedules}/${options.schedules} seed ${schedule.seed}: ${decisions} decisions, ` +
        `${effects} effects, ${parked} parked, ${sprung.join(', ') || 'no trap'}, ` +
        `${(took_ms / 1_000).toFixed(1)} s${breaches.length > 0 ? ', BROKEN' : ''}`,
    )
    for (const b of breaches.slice(0, 5)) progress(`  ${b.law}: ${b.what}`)
  }
  // Those that stop the server go one after the other, and beside the rest.
  await Promise.all([
    sideBySide(1, schedules.filter(crashes), run),
    sideBySide(
      lanes,
      schedules.filter((s) => !crashes(s)),
      run,
    ),
  ])
  for (const verdict of failed.slice(0, 3)) {
    progress(`shrinking schedule ${verdict.schedule.seed}`)
    for (const line of tell(await shrink(verdict, judgeOne, shrink_runs_max))) progress(line)
  }
  tally.points = points.size
  tally.seconds = Math.round((performance.now() - began) / 1_000)
  return tally
}
