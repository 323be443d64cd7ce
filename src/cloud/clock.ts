/** Time as the cloud sees it. Tests bring their own, so that lag and expiry need no waiting. */
import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since 1970; never goes back. */
  now(): number
  /** Resolves after `ms` milliseconds, or earlier when the cloud is closing. Never rejects. */
  sleep(ms: number): Promise<void>
}

/** The machine's clock. Once `closing` aborts, whoever sleeps wakes at once. */
export const realClock = (closing: AbortSignal): Clock => {
  // As many requests may sleep as a client opens: that is load, not a leak.
  setMaxListeners(0, closing)
  return {
    now: () => performance.timeOrigin + performance.now(),
    sleep: (ms) =>
      after(ms, undefined, { signal: closing }).catch(() => {
        // Aborted: the cloud is closing and its sleepers finish early.
      }),
  }
}
