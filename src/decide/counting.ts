/** How many there are of some kinds, asked for outside of the decision that turned out to need it. */
import type { DecisionStore } from '../domain/ports.ts'
import type { Counted, Kind } from './hold-deletes.ts'

export interface Counting {
  readonly counted: Counted
  readonly ask: (kinds: readonly Kind[]) => Promise<void>
}

const keyOf = ({ scope, kind }: Kind): string => JSON.stringify([scope, kind])

/** A limit in percent needs no more than this: read in the decision, all of a kind would be its premise. */
export const createCounting = (store: DecisionStore): Counting => {
  const counts = new Map<string, number>()
  return {
    counted: (kind) => counts.get(keyOf(kind)),
    ask: async (kinds) => {
      const found = await store.countKinds(kinds)
      kinds.forEach((kind, i) => counts.set(keyOf(kind), found[i] ?? 0))
    },
  }
}
