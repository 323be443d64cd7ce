import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../domain/ports.ts'
import type { Sql } from './connect.ts'

export interface Wakeup {
  /** Hints that there is work. Returns at once; never throws. */
  readonly wake: () => void
  /** Waits until every hint given so far was sent. */
  readonly flush: () => Promise<void>
}

/** Between two hints of one process. The first goes at once; a busy decider's next ones share one. */
const pause_ms = 10

/**
 * After COMMIT, never inside: add_job reads whole queue tables while they are small and would make
 * unrelated deciders abort each other. One job for all decisions that committed meanwhile; a lost
 * hint is found by the sweep, so the handle's sessions need not wait for its fsync
 * (`synchronous_commit` off).
 */
export const createWakeup = (sql: Sql, logger: Logger): Wakeup => {
  let sending: Promise<void> | null = null
  let wanted = false
  const send = async (): Promise<void> => {
    while (wanted) {
      wanted = false
      try {
        await sql`select foreword_code.wake()`
      } catch (error) {
        logger.warn({ error }, 'wake-up not sent; the sweep finds the work')
      }
      await sleep(pause_ms)
    }
  }
  return {
    wake: () => {
      wanted = true
      sending ??= send().finally(() => {
        sending = null
      })
    },
    flush: async () => {
      await sending
    },
  }
}

/**
 * Listens for the hints of all processes, on a session of its own of this pool, which ends with it. Should
 * the session break, the queue's hints are all there is, until it is open again.
 */
export const hearWakeups = async (sql: Sql, onWake: () => void): Promise<void> => {
  await sql.listen('foreword_wake', onWake)
}
