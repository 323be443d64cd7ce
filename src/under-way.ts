/** Calls on something that can be closed: those under way are let end, those that come later are refused. */
import { setTimeout as pause } from 'node:timers/promises'
import { ForewordError } from './domain/errors.ts'

export interface UnderWay {
  readonly run: <A>(call: () => Promise<A>) => Promise<A>
  /** Throws once it is closed. */
  readonly check: () => void
  /** Refuses from now on, and waits for what runs, so long at most. */
  readonly close: (patience_ms: number) => Promise<void>
}

export const createUnderWay = (): UnderWay => {
  const running = new Set<Promise<unknown>>()
  let closed = false
  const check = (): void => {
    if (!closed) return
    throw new ForewordError('this connection of foreword is closed', {
      where: 'connect',
      remedy: 'close it when nothing is to come any more, or connect anew',
    })
  }
  return {
    check,
    run: async (call) => {
      check()
      const called = call()
      running.add(called)
      try {
        return await called
      } finally {
        running.delete(called)
      }
    },
    close: async (patience_ms) => {
      closed = true
      const over = new AbortController()
      const late = pause(patience_ms, undefined, { signal: over.signal }).catch(() => undefined)
      await Promise.race([Promise.allSettled(running), late])
      over.abort()
    },
  }
}
