/** How long to wait before trying again. Pure but for the jitter, whose source is a parameter. */

/** Full jitter (Brooker, "Exponential Backoff And Jitter"): uniform over an exponentially growing span. */
const jittered = (span_ms: number, random: () => number): number =>
  Math.round(span_ms / 2 + (random() * span_ms) / 2)

/** Before the next external attempt, in milliseconds: 100 ms doubling to a minute. */
export const backoff_ms = (attempts: number, random: () => number = Math.random): number =>
  jittered(Math.min(60_000, 100 * 2 ** Math.min(attempts, 20)), random)

/** Before a look that failed is taken again: the longer it has been in vain, the later, a second to a minute. */
export const look_later_ms = (since_ms: number, random: () => number = Math.random): number =>
  jittered(Math.min(60_000, Math.max(1_000, since_ms / 2)), random)

/** Before deciding again after a conflict, in milliseconds: full jitter from 1 ms, doubling to 50. */
export const decide_again_ms = (tries: number, random: () => number = Math.random): number =>
  random() * Math.min(50, 2 ** Math.min(tries, 10))

/**
 * SQLSTATEs after which the same decision may succeed on fresh reads. 40001 serialization failure,
 * 40P01 deadlock, 55P03 lock not available, 25P03 idle in transaction too long, 57P01/57P02/57P03 the server goes or
 * comes. 23505: two created the same resource at once, and only one of them had read its absence by that key.
 */
export const conflict_sqlstates: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '55P03',
  '25P03',
  '23505',
  '57P01',
  '57P02',
  '57P03',
])
