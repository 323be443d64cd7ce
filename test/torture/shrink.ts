/** Takes out of a schedule whatever it breaks a law without, so that what is left is the reason. */
import type { Verdict } from './judge.ts'
import type { Fault, Schedule } from './schedule.ts'

/** Real processes are not replayed to the letter: one run without a breach does not acquit. */
const tries_each = 2

export interface Shrunk {
  readonly verdict: Verdict
  /** Places, in the faults of the whole schedule, of those that were taken out. */
  readonly without: readonly number[]
}

export const without = (schedule: Schedule, places: readonly number[]): Schedule => ({
  ...schedule,
  faults: schedule.faults.filter((_, place) => !places.includes(place)),
})

const breaks = (verdict: Verdict, laws: ReadonlySet<string>): boolean =>
  verdict.breaches.some((b) => laws.has(b.law))

/** At most `runs_max` runs. The answer breaks one of the laws that the whole schedule broke. */
export const shrink = async (
  failed: Verdict,
  judge: (schedule: Schedule) => Promise<Verdict>,
  runs_max: number,
): Promise<Shrunk> => {
  const laws = new Set(failed.breaches.map((b) => b.law))
  const whole = failed.schedule
  let runs = 0
  let best: Shrunk = { verdict: failed, without: [] }
  const tryWithout = async (places: readonly number[]): Promise<boolean> => {
    for (let i = 0; i < tries_each && runs < runs_max; i++) {
      runs += 1
      const verdict = await judge(without(whole, places))
      if (!breaks(verdict, laws)) continue
      best = { verdict, without: places }
      return true
    }
    return false
  }
  for (const place of whole.faults.keys()) await tryWithout([...best.without, place])
  return best
}

const words = (fault: Fault): string => {
  const { type, ...rest } = fault
  const told = Object.entries(rest).map(([key, value]) => `${key} ${value}`)
  return `${type}: ${told.join(', ')}`
}

/** For people: what breaks, what is left of the schedule, and how to see it again. */
export const tell = ({ verdict, without: places }: Shrunk): readonly string[] => {
  const { schedule, breaches, sprung } = verdict
  const { seed, kinds, traits, cloud, deciders, workers } = schedule
  const again = `npm run torture -- --schedules 1 --no-mutants --seed ${seed}`
  return [
    `schedule ${seed} breaks`,
    ...breaches.slice(0, 10).map((b) => `  ${b.law}: ${b.what}`),
    `with ${workers} workers, ${JSON.stringify({ ...kinds, ...traits, ...cloud })}`,
    ...deciders.map((jobs) => `  decides ${jobs.map((j) => `${j.decider} ${j.n}`).join(', ')}`),
    ...schedule.faults.map((fault) => `  fault ${words(fault)}`),
    `  (sprung: ${sprung.join(', ') || 'none'})`,
    `again: ${again}${places.length === 0 ? '' : ` --without ${places.join()}`}`,
  ]
}
