/**
 * When to go to the database: at once where nobody else comes, together where many do. Sizes adapt by
 * themselves, since a run is followed by a rest of its own length: the busier the database, the more gather.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

/** However long a run took, the next one does not wait longer. */
const wait_max_ms = 10

export interface Gathering {
  /** A whole batch waits already: there is no use in waiting for more. */
  readonly full: () => boolean
  /** More is on its way: worth waiting for, even after the rest, once more as long as the last run took. */
  readonly coming: () => boolean
}

/** Runs of `work` never overlap. All who ask before a run begins share it; it tells them how it ended. */
export const gathered = (
  work: () => Promise<void>,
  { full, coming }: Gathering,
): (() => Promise<void>) => {
  let next: Promise<void> | null = null
  let current: Promise<void> = Promise.resolve()
  let ended_at = -Infinity
  let wait_ms = 0

  const gather = async (): Promise<void> => {
    const rested_at = ended_at + wait_ms
    const patient_until = Math.max(rested_at, performance.now()) + wait_ms
    for (;;) {
      const now = performance.now()
      if (full() || now >= (coming() ? patient_until : rested_at)) return
      await sleep(1)
    }
  }

  const timed = async (): Promise<void> => {
    const started = performance.now()
    try {
      await work()
    } finally {
      ended_at = performance.now()
      wait_ms = Math.min(ended_at - started, wait_max_ms)
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
