/** Plays a schedule and holds the laws against what came of it. */
import { factsOf } from './facts.ts'
import { laws, type Law } from './laws.ts'
import { play, type Stage } from './play.ts'
import type { Schedule } from './schedule.ts'

/**
 * How long everything may take to come to rest after the last fault. Some leases must run out first, and a
 * machine that is busy with other things takes its time: seconds, where it has nothing else to do.
 */
export const rest_ms = 180_000

export interface Breach {
  readonly law: string
  readonly counts: Law['counts']
  readonly what: string
}

export interface Verdict {
  readonly schedule: Schedule
  readonly breaches: readonly Breach[]
  readonly decisions: number
  readonly effects: number
  readonly intents: number
  readonly parked: number
  /** `point action` of each trap that was sprung. */
  readonly sprung: readonly string[]
  readonly took_ms: number
}

export const judge = async (schedule: Schedule, stage: Stage): Promise<Verdict> => {
  const { evidence, sprung, took_ms } = await play(schedule, stage)
  const facts = factsOf(evidence)
  return {
    schedule,
    breaches: laws.flatMap((law) =>
      law.breaches(facts).map((what) => ({ law: law.name, counts: law.counts, what })),
    ),
    decisions: evidence.decisions.length,
    effects: evidence.effects.length,
    intents: evidence.entries.filter((e) => e.cause === 'intent').length,
    parked: facts.standing.parked.length,
    sprung,
    took_ms,
  }
}
