/** Plays many schedules, several side by side, and tells what came of them. */
import { lanes_default, sideBySide, type Grounds } from './grounds.ts'
import { judge, rest_ms, type Verdict } from './judge.ts'
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

const shrink_runs_max = 16

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
