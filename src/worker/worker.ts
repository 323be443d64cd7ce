/** One process that applies: presence, queue, sweep and applier, and the order in which they end. */
import type { Applier } from '../apply/applier.ts'
import type { Schedule } from '../domain/config.ts'
import type { Logger } from '../domain/ports.ts'
import { startQueue } from './queue.ts'

export interface WorkerDeps {
  readonly url: string
  readonly applier: Applier
  readonly schedules: readonly Schedule[]
  readonly onSchedule: (schedule: Schedule) => Promise<void>
  readonly sweep_interval_ms: number
  readonly drain_timeout_ms: number
  readonly leave: () => Promise<void>
  readonly onFatal: (reason: string) => void
  readonly logger: Logger
}

export interface Worker {
  /** Claims no more, lets what runs end within the bound, and leaves. False: something still ran. */
  readonly stop: () => Promise<boolean>
}

/** Level-based: whatever a wake-up missed, and whatever the dead left, is found within an interval. */
const startSweep = (deps: WorkerDeps): (() => void) => {
  let sweeping = false
  const timer = setInterval(() => {
    if (sweeping) return
    sweeping = true
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

export const startWorker = async (deps: WorkerDeps): Promise<Worker> => {
  const queue = await startQueue({
    url: deps.url,
    schedules: deps.schedules,
    onWake: deps.applier.wake,
    onSchedule: deps.onSchedule,
    onFatal: deps.onFatal,
    logger: deps.logger,
  })
  const stopSweep = startSweep(deps)
  await deps.applier.sweep()
  return {
    stop: async () => {
      stopSweep()
      await queue.stop()
      const drained = await deps.applier.drain(deps.drain_timeout_ms)
      await deps.leave()
      return drained
    },
  }
}
