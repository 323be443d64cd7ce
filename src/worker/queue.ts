/**
 * The only room that knows graphile-worker. The queue holds hints and schedules, never state: a
 * wake-up that is lost costs the second until the next sweep.
 */
import { EventEmitter } from 'node:events'
import {
  parseCronItems,
  run,
  type Logger as GraphileLogger,
  type Runner,
  type TaskList,
  type WorkerEvents,
} from 'graphile-worker'
import { Logger as GraphileLog } from 'graphile-worker'
import type { Schedule } from '../domain/config.ts'
import type { Logger } from '../domain/ports.ts'
import { taskOf, tasks } from './queue-tasks.ts'

/** Errors and warnings of the queue in our log; its chatter about jobs is left out. */
const logTo = (logger: Logger): GraphileLogger =>
  new GraphileLog(() => (level, message) => {
    if (level === 'error') logger.error({ from: 'graphile-worker' }, message)
    if (level === 'warning') logger.warn({ from: 'graphile-worker' }, message)
  })

/** The queue's own statements take jobs by SKIP LOCKED: at another default of the database each would fail on its neighbour. */
const readCommitted = (url: string): string => {
  const at = new URL(url)
  const given = at.searchParams.get('options') ?? ''
  const ours = String.raw`-c default_transaction_isolation=read\ committed`
  at.searchParams.set('options', `${given} ${ours}`.trim())
  return at.href
}

export interface QueueOptions {
  readonly url: string
  readonly schedules: readonly Schedule[]
  readonly onWake: () => Promise<void>
  readonly onSchedule: (schedule: Schedule) => Promise<void>
  /** The queue stopped by itself: its pool met a fatal error. Only a new process is sure to be whole. */
  readonly onFatal: (reason: string) => void
  readonly logger: Logger
}

export interface Queue {
  readonly stop: () => Promise<void>
}

const taskList = (options: QueueOptions): TaskList => {
  const scheduled = async (payload: unknown): Promise<void> => {
    const name = (payload as { readonly name?: unknown }).name
    const schedule = options.schedules.find((s) => s.name === name)
    if (schedule !== undefined) await options.onSchedule(schedule)
  }
  return {
    [tasks.wake]: async () => {
      await options.onWake()
    },
    // Of a worker of an older version.
    [tasks.schedule]: scheduled,
    ...Object.fromEntries(options.schedules.map(({ name }) => [taskOf(name), scheduled])),
  }
}

/** One job key per schedule: a run that is still waiting is not scheduled twice. */
const cronItems = (schedules: readonly Schedule[]) =>
  parseCronItems(
    schedules.map((s) => ({
      task: taskOf(s.name),
      match: s.cron,
      identifier: `foreword:${s.name}`,
      payload: { name: s.name },
      options: {
        backfillPeriod: (s.backfill_minutes ?? 0) * 60_000,
        maxAttempts: 1,
        jobKey: `foreword:schedule:${s.name}`,
      },
    })),
  )

/** Starts the queue: unbatched completion and no named queues, since both lose work in 0.18 (docs/operations.md). */
export const startQueue = async (options: QueueOptions): Promise<Queue> => {
  const events = new EventEmitter() as WorkerEvents
  let stopping = false
  const fatal = (reason: string): void => {
    if (!stopping) options.onFatal(reason)
  }
  events.on('pool:fatalError', ({ error }) => {
    fatal(error instanceof Error ? error.message : String(error))
  })
  const runner: Runner = await run({
    connectionString: readCommitted(options.url),
    concurrency: 4,
    maxPoolSize: 5,
    pollInterval: 1_000,
    noHandleSignals: true,
    taskList: taskList(options),
    parsedCronItems: cronItems(options.schedules),
    events,
    logger: logTo(options.logger),
  })
  runner.promise.then(
    () => {
      fatal('the queue stopped by itself')
    },
    (error: unknown) => {
      fatal(error instanceof Error ? error.message : String(error))
    },
  )
  return {
    stop: async () => {
      stopping = true
      await runner.stop().catch(() => undefined)
    },
  }
}
