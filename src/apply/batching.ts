/**
 * When to go to the database: at once where nobody else comes, together where many do. Sizes adapt by
 * themselves, since a run is followed by a rest that grows with what it took and what it moved: the busier,
 * the more gather. A statement of 16 costs twice as much for each of them as one of 64.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

/** A run that moved so many is followed by a rest as long as it took; fewer, a shorter one. */
const rests_once_per = 8
const rests_max = 3
/** However long a run took, the next one does not wait longer. */
const wait_max_ms = 10

export interface Gathering {
  /** A whole batch waits already: there is no use in waiting for more. */
  readonly full: () => boolean
  /** More is on its way: worth waiting for once more, as long as the last run took. */
  readonly coming: () => boolean
}

/** Runs of `work` never overlap. All who ask before a run begins share it. `work` says how many it moved. */
export const gathered = (
  work: () => Promise<number>,
  { full, coming }: Gathering,
): (() => Promise<void>) => {
  let next: Promise<void> | null = null
  let current: Promise<void> = Promise.resolve()
  let ended_at = -Infinity
  let took_ms = 0
  let rest_ms = 0

  const gather = async (): Promise<void> => {
    const rested_at = ended_at + rest_ms
    const patient_until = Math.max(rested_at, performance.now()) + took_ms
    for (;;) {
      const now = performance.now()
      if (full() || now >= (coming() ? patient_until : rested_at)) return
      await sleep(1)
    }
  }

  const timed = async (): Promise<void> => {
    const started = performance.now()
    let moved = 0
    try {
      moved = await work()
    } finally {
      ended_at = performance.now()
      took_ms = Math.min(ended_at - started, wait_max_ms)
      rest_ms = Math.min(took_ms * Math.min(moved / rests_once_per, rests_max), wait_max_ms)
    }
  }

  const begin = async (before: Promise<void>): Promise<void> => {
    // Those who ask in one turn of the loop come one after the other: let all arrive.
    await turn()
    await before.catch(() => undefined)
    await gather()
    next = null
    current = timed()
    return current
  }

  return () => (next ??= begin(current))
}
