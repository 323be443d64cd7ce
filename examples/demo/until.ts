/** Waiting for conditions: never for a time, and never without end. */
import { setTimeout as pause } from 'node:timers/promises'
import { ForewordError } from '../../src/index.ts'

export interface Patience {
  readonly deadline_ms: number
  /** Aborted with the reason why waiting is of no use any more. */
  readonly signal: AbortSignal
}

/**
 * Looks every 50 ms until the probe returns something other than null, and returns that. Past the
 * deadline it throws an error that names what was awaited.
 */
export const until = async <A>(
  what: string,
  patience: Patience,
  probe: () => Promise<A | null>,
): Promise<A> => {
  const end = performance.now() + patience.deadline_ms
  for (;;) {
    patience.signal.throwIfAborted()
    const found = await probe()
    if (found !== null) return found
    if (performance.now() > end) {
      throw new ForewordError(`${what}: not within ${patience.deadline_ms / 1_000} s`, {
        remedy: 'run it again on a machine that is less busy; if it stays so, please report it',
      })
    }
    await pause(50)
  }
}
