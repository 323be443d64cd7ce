/**
 * Deadlines that hold for a process that was stopped, too: when it goes on, its sockets may be served before
 * its timers, and no signal has fired yet. Whoever is about to send asks the clock.
 */

/**
 * Milliseconds since it was made, by the clock that says more: one stands still while the machine sleeps, the
 * other one may be set.
 */
export const stopwatch = (): (() => number) => {
  const [ticks, time] = [performance.now(), Date.now()]
  return () => Math.max(performance.now() - ticks, Date.now() - time)
}

const deadlines = new WeakMap<AbortSignal, () => boolean>()

/** Lets who is given the signal ask whether its time is up. */
export const setDeadline = (signal: AbortSignal, isPast: () => boolean): void => {
  deadlines.set(signal, isPast)
}

/** Aborted, or about to be: nothing may be sent for it any more. */
export const isOver = (signal: AbortSignal): boolean =>
  signal.aborted || deadlines.get(signal)?.() === true
