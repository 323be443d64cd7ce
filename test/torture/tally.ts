/** The numbers of a run, in the order of its last line. */
import type { Bag } from './hunt.ts'
import type { Verdict } from './judge.ts'

export interface Tally {
  schedules: number
  decisions: number
  effects: number
  lost: number
  duplicated: number
  parked: number
  parked_without_cause: number
  cycles: number
  mutants: number
  mutants_killed: number
  /** Breaches of all other laws. */
  broken: number
  intents: number
  /** Traps that were sprung: processes killed or stopped at a named point. */
  sprung: number
  /** Different points among them. */
  points: number
  seed: number
  seconds: number
}

export const emptyTally = (seed: number): Tally => ({
  schedules: 0,
  decisions: 0,
  effects: 0,
  lost: 0,
  duplicated: 0,
  parked: 0,
  parked_without_cause: 0,
  cycles: 0,
  mutants: 0,
  mutants_killed: 0,
  broken: 0,
  intents: 0,
  sprung: 0,
  points: 0,
  seed,
  seconds: 0,
})

export const addTo = (tally: Tally, verdict: Verdict): void => {
  tally.schedules += 1
  tally.decisions += verdict.decisions
  tally.effects += verdict.effects
  tally.intents += verdict.intents
  tally.parked += verdict.parked
  tally.sprung += verdict.sprung.length
  for (const { counts } of verdict.breaches) tally[counts] += 1
}

export const addBag = (tally: Tally, bag: Bag): void => {
  tally.mutants += bag.mutants
  tally.mutants_killed += bag.killed
  tally.broken += bag.not_spared
}

export const isClean = (t: Tally): boolean =>
  t.lost + t.duplicated + t.parked_without_cause + t.cycles + t.broken === 0 &&
  t.mutants_killed === t.mutants
