import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'

/**
 * Waits for a condition instead of for a time: polls until `probe` returns something truthy, and
 * returns that. Past the deadline it throws, naming what was awaited and what was seen last.
 */
export const eventually = async <A>(
  what: string,
  probe: () => A | Promise<A>,
  { deadline_ms = 30_000 }: { readonly deadline_ms?: number } = {},
): Promise<NonNullable<A>> => {
  const deadline = Date.now() + deadline_ms
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== null && Boolean(value)) return value
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${String(deadline_ms)} ms, last seen ${inspect(value)}`)
    }
    await pause(10)
  }
}
