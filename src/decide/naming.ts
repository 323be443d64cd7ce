/** Deciders that name what nobody has named before. */
import { brief } from '../domain/storable.ts'
import type { Invalid } from './changes.ts'
import type { Considered } from './consider.ts'

/** One run of a decider that named something for the first time. */
interface Named {
  readonly considered: Considered | undefined
  /** What it was decided on. */
  readonly facts?: string
}

/**
 * Names that nobody has named yet are made known outside of the transaction, and the decider runs again. On the
 * same facts, and by the same clock, it must name the same: one that makes names up would never be done.
 */
export const createNaming = (decider: string, runs_max: number) => {
  let facts: string | undefined
  let names: readonly string[] = []
  let runs = 0
  const namesIn = (considered: Considered | undefined): readonly string[] =>
    considered?.type !== 'changes'
      ? []
      : considered.changes.flatMap((c) => [
          ...[c, ...c.needs].map((at) => `${at.kind}/${at.name} in ${at.scope}`),
          ...Object.keys(c.counters ?? {}).map((metric) => `counter ${metric}`),
        ])
  return (one: Named): Invalid | 'again' | 'a try' => {
    const named = namesIn(one.considered)
    const other = one.facts === facts ? named.find((name) => !names.includes(name)) : undefined
    facts = one.facts
    names = named
    if (other !== undefined) {
      return {
        sqlstate: 'FW029',
        reason: `decider ${decider} names something else each time it runs on the same facts: ${brief(other)}`,
        remedy:
          'decide must be pure: make names up in `think`, or beforehand and give them as input',
      }
    }
    runs += 1
    return runs > runs_max ? 'a try' : 'again'
  }
}
