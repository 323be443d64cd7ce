/**
 * The only room that knows graphile-worker. The queue holds hints and schedules, never state: a
 * wake-up that is lost costs the second until the next sweep.
 */
import { EventEmitter } from 'node:events'
import { parseCronItems, run, type Runner, type TaskList, type WorkerEvents } from 'graphile-worker'
import type { Schedule } from '../domain/config.ts'
import type { Logger } from '../domain/ports.ts'
import { queueLog } from './queue-log.ts'
import { taskOf, tasks } from './queue-tasks.ts'

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
  /** False: a pooler in between takes no settings for a session. */
  readonly takes_settings: boolean
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

/**
 * The queue prints the trace of whatever ends one of its loops to stderr, past its logger, which is told the
 * same in a line. Never undone: it may come after the queue has stopped.
 */
const keepTracesQuiet = (): void => {
  const { trace } = console
  console.trace = (...told: unknown[]) => {
    if (told.length !== 1 || !(told[0] instanceof Error)) trace(...told)
  }
}
let traces_quiet = false

/** Times in a row that none of its loops may get a job, at a second between two tries of each. */
const failures_max = 40

/** A queue that cannot ask for jobs goes on asking and says nothing: its schedules would never run again. */
const watchAsking = (
  events: WorkerEvents,
  logger: Logger,
  fatal: (reason: string) => void,
): void => {
  let failures = 0
  const asked = (): void => {
    failures = 0
  }
  events.on('worker:getJob:empty', asked)
  events.on('job:start', asked)
  events.on('worker:getJob:error', ({ error }) => {
    failures += 1
    const reason = error instanceof Error ? error.message : String(error)
    if (failures === 1) logger.warn({ error }, 'the queue was not asked for jobs; again')
    if (failures === failures_max) fatal(`the queue cannot be asked for jobs: ${reason}`)
  })
}

/** Starts the queue: unbatched completion and no named queues, since both lose work in 0.18 (docs/operations.md). */
export const startQueue = async (options: QueueOptions): Promise<Queue> => {
  if (!traces_quiet) keepTracesQuiet()
  traces_quiet = true
  const events = new EventEmitter() as WorkerEvents
  let stopping = false
  const fatal = (reason: string): void => {
    if (!stopping) options.onFatal(reason)
  }
  events.on('pool:fatalError', ({ error }) => {
    fatal(error instanceof Error ? error.message : String(error))
  })
  watchAsking(events, options.logger, fatal)
  const runner: Runner = await run({
    connectionString: options.takes_settings ? readCommitted(options.url) : options.url,
    concurrency: 4,
    maxPoolSize: 5,
    pollInterval: 1_000,
    noHandleSignals: true,
    taskList: taskList(options),
    parsedCronItems: cronItems(options.schedules),
    events,
    logger: queueLog(options.logger),
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
