/** Readings that many askers share. */

/**
 * Reads at most once at a time, however many ask, and rests between readings at least `rest_ms` and
 * twice as long as the last one took: whoever only looks must not weigh on the work.
 */
export const shared = <A>(read: () => Promise<A>, rest_ms: number): (() => Promise<A>) => {
  let reading: Promise<A> | null = null
  let fresh_until = 0
  return () => {
    if (reading !== null && performance.now() < fresh_until) return reading
    const began = performance.now()
    fresh_until = Infinity
    const rest = (): void => {
      const now = performance.now()
      fresh_until = now + Math.max(rest_ms, 2 * (now - began))
    }
    reading = read()
    reading.then(rest, rest)
    return reading
  }
}
