/** One process that applies: presence, queue, sweep and applier, and the order in which they end. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Applier } from '../apply/applier.ts'
import type { Schedule } from '../domain/config.ts'
import type { Logger } from '../domain/ports.ts'
import { createHints } from './hints.ts'

export interface WorkerDeps {
  readonly url: string
  readonly takes_settings: boolean
  readonly applier: Applier
  /** Listens for the hints of deciders. */
  readonly hear: (onWake: () => void) => Promise<void>
  readonly schedules: readonly Schedule[]
  readonly onSchedule: (schedule: Schedule) => Promise<void>
  /** With each sweep: must not wait. */
  readonly onSweep: () => void
  /** Ends what sweeps began, within the bound. */
  readonly onStop: (timeout_ms: number) => Promise<boolean>
  readonly sweep_interval_ms: number
  readonly drain_timeout_ms: number
  readonly keep_answers_ms: number
  readonly leave: () => Promise<void>
  readonly onFatal: (reason: string) => void
  /** Then it begins nothing, and whoever is to take over may wait for its end. What its calls are answered counts. */
  readonly hasFailed: () => boolean
  readonly logger: Logger
}

export interface Worker {
  /** Claims no more, lets what runs end within the bound, and leaves. False: something still ran. */
  readonly stop: () => Promise<boolean>
}

/** After the bound, for what is known already to be written. */
export const settle_ms = 500
/** For taking leave: without it the others find the lock free when the process ends. */
const leave_ms = 2_000

/** Sweeps that a database may owe us an answer for. On a connection that went silent one waits for hours. */
const silent_sweeps_max = 30

/** Level-based: whatever a wake-up missed, and whatever the dead left, is found within an interval. */
export const startSweep = (
  deps: Pick<WorkerDeps, 'applier' | 'sweep_interval_ms' | 'onFatal' | 'logger'> &
    Partial<Pick<WorkerDeps, 'onSweep'>>,
): (() => void) => {
  let sweeping = false
  let missed = 0
  const timer = setInterval(() => {
    if (sweeping) {
      missed += 1
      if (missed === silent_sweeps_max) deps.onFatal('the database does not answer any more')
      return
    }
    sweeping = true
    missed = 0
    deps.onSweep?.()
    deps.applier
      .sweep()
      .catch((error: unknown) => {
        deps.logger.error({ error }, 'sweep failed')
      })
      .finally(() => {
        sweeping = false
      })
  }, deps.sweep_interval_ms)
  return () => {
    clearInterval(timer)
  }
}

/** What it comes to in time, else false: what still runs then is not waited for. */
const atMost = async (ms: number, work: Promise<boolean>): Promise<boolean> => {
  const over = new AbortController()
  const late = pause(ms, false, { signal: over.signal }).catch(() => false)
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}

export const startWorker = async (deps: WorkerDeps): Promise<Worker> => {
  const { applier } = deps
  const hints = createHints({
    claimed: applier.claimed,
    wake: () => void applier.wake(),
    now: () => performance.now(),
  })
  await deps.hear(hints.heard)
  const { startQueue } = await import('./queue.ts')
  const queue = await startQueue({
    url: deps.url,
    takes_settings: deps.takes_settings,
    schedules: deps.schedules,
    onWake: async () => {
      if (hints.news()) await applier.wake()
    },
    onSchedule: deps.onSchedule,
    onFatal: deps.onFatal,
    logger: deps.logger,
  })
  const stopSweep = startSweep(deps)
  await applier.sweep()
  return {
    stop: async () => {
      stopSweep()
      const bound_ms = deps.hasFailed() ? 0 : deps.drain_timeout_ms
      // A database that is away ends nothing sooner, and is no news. (It may be noticed meanwhile.)
      const tolerant = (work: Promise<boolean>): Promise<boolean> =>
        work.catch((error: unknown) => {
          if (deps.hasFailed()) return false
          throw error
        })
      const ending = (ms: number, work: Promise<boolean>): Promise<boolean> =>
        atMost(ms, tolerant(work))
      // Of a worker that lost its database nobody else knows what its calls were answered.
      const written = async (): Promise<boolean> => {
        const work = tolerant(applier.drain(deps.drain_timeout_ms))
        const in_time = await atMost(deps.drain_timeout_ms + settle_ms, work)
        return in_time || !deps.hasFailed() ? in_time : atMost(deps.keep_answers_ms, work)
      }
      // A schedule's reconcile may run for minutes, and a database that is gone answers nobody.
      const drained = await Promise.all([
        ending(
          bound_ms + settle_ms,
          queue.stop().then(() => true),
        ),
        written(),
        ending(bound_ms + settle_ms, deps.onStop(bound_ms)),
      ])
      const left = deps.leave().then(() => true)
      return [...drained, await ending(leave_ms, left)].every(Boolean)
    },
  }
}
