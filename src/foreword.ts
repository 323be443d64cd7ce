/** Puts the rooms together: one database, the use-cases on it, and, where asked, a worker. */
import { createApplier, type Applier } from './apply/applier.ts'
import { createBudgets, type Budgets } from './apply/budgets.ts'
import { createDecideAgain } from './apply/decide-again.ts'
import { settlingSurely } from './apply/settle-surely.ts'
import { watched } from './apply/watched.ts'
import { withinBudgets } from './apply/within-budgets.ts'
import type { decide } from './decide/decide.ts'
import type { Config, Policy, Schedule } from './domain/config.ts'
import type { AnyDecider } from './domain/decider.ts'
import { nextRunOf } from './domain/cron-next.ts'
import type { Logger, StaleDecision } from './domain/ports.ts'
import type { AnyProvider, Secrets } from './domain/provider.ts'
import { schedulesOf } from './domain/retention.ts'
import type { DecideResult } from './domain/result.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import { createNotices } from './reconcile/notices.ts'
import type { reconcile, ReconcileDeps } from './reconcile/reconcile.ts'
import { applyLog } from './store/apply-log.ts'
import { archiveByPolicy } from './store/archive-store.ts'
import { budgetStore } from './store/budget-store.ts'
import { connectSql, type Sql } from './store/connect.ts'
import { decisionStore } from './store/decision-store.ts'
import { migrate, type MigrateReport } from './store/migrate.ts'
import { registerPolicies } from './store/policy-store.ts'
import { openPools } from './store/pools.ts'
import { readQueue } from './store/queue-state.ts'
import { scheduleStore } from './store/schedule-store.ts'
import { tracesOf } from './store/trace-store.ts'
import { createWakeup, hearWakeups, type Wakeup } from './store/wakeup.ts'
import { enterAsWorker } from './store/worker-presence.ts'
import { createTelemetry } from './telemetry/telemetry.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { useCases, waking, type Ground, type UseCases } from './use-cases.ts'
import { bringQueue } from './worker/queue-needs.ts'
import { runSchedule } from './worker/run-scheduled.ts'
import { startSweep, startWorker, type Worker, type WorkerDeps } from './worker/worker.ts'

export interface EngineOptions {
  readonly url: string
  readonly config: Config
  readonly secrets: Secrets
  readonly logger: Logger
  readonly version: string
  /** Counts what this process does; absent: nobody asks. */
  readonly metrics?: Metrics
}

/** The use-cases of one process on one database. */
export interface Engine {
  readonly url: string
  /** For views and whatever else: READ COMMITTED, none of the deciders' settings. */
  readonly sql: Sql
  readonly decide: ReturnType<typeof decide>
  /** Decides, and carries the intents out at once in this process: same claim, same lease as any worker's. */
  readonly decideHere: (onFatal: (reason: string) => void) => ReturnType<typeof decide>
  readonly reconcile: ReturnType<typeof reconcile>
  readonly reconcileDeps: ReconcileDeps
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly budgets: Budgets
  readonly wakeup: Wakeup
  /** `schedules`: other ones than the configuration's; none for a helper that stays only for a while. */
  readonly startWorker: (
    onFatal: (reason: string) => void,
    schedules?: readonly Schedule[],
  ) => Promise<Worker>
  /** Carries out in this process what is due; resolves once it is claimed. */
  readonly applyHere: (onFatal: (reason: string) => void) => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Migrations, views, and the queue's own tables; the policies, where whoever asks has the say. Idempotent.
 */
export const migrateAll = async (
  url: string,
  policies?: readonly Policy[],
): Promise<MigrateReport> => {
  const sql = connectSql({ url, application_name: 'foreword:migrate', max: 1 })
  try {
    const report = await migrate(sql, {
      url,
      afterwards: async () => bringQueue(url, await readQueue(sql)),
    })
    if (policies !== undefined) await registerPolicies(sql, policies)
    return report
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/**
 * Its own converge is not among the deciders that decide again: whatever is wanted is converged to at the
 * next reconcile.
 */
const decidingAgain =
  (run: ReturnType<typeof decide>, deciders: readonly AnyDecider[]) =>
  ({
    decision,
    scope,
    decider: name,
    actor,
    why,
    ...from
  }: StaleDecision): Promise<DecideResult> => {
    const decider = deciders.find((d) => d.name === name)
    if (decider === undefined) throw new Error(`no decider ${name}`)
    const reason = `instead of decision ${decision}: ${why}`
    const input: unknown = from.input
    return run(decider, { scope, input, actor, reason, instead_of: decision })
  }

interface ApplyingHere {
  readonly worker: number
  readonly applier: Applier
  readonly hear: WorkerDeps['hear']
  readonly leave: () => Promise<void>
}

/** Enters the database as a worker and makes the applier that works under that name. */
const enterAndApply = async (
  options: EngineOptions,
  engine: Pick<Engine, 'decide' | 'providers' | 'budgets'> & { readonly telemetry: Telemetry },
  onFatal: (reason: string) => void,
): Promise<ApplyingHere> => {
  const { config, logger, url } = options
  const { providers, telemetry } = engine
  const presence = await enterAsWorker({
    url,
    version: options.version,
    kinds: [...providers.keys()],
    onLost: () => {
      onFatal('the session that holds the worker’s lock was lost')
    },
  })
  const sql = connectSql({
    url,
    application_name: 'foreword:apply',
    max: 4,
    // The rows of a process that was stopped in the midst of a withdrawal are not locked for ever.
    connection: { idle_in_transaction_session_timeout: '5000' },
  })
  const log = withinBudgets({
    log: settlingSurely(telemetry.log(applyLog(sql), tracesOf(sql)), logger),
    store: budgetStore(sql),
    budgets: engine.budgets,
    providers,
    wake: () => void applier.wake(),
    logger,
  })
  const applier: Applier = createApplier({
    log,
    decideAgain: createDecideAgain({
      log,
      worker: presence.worker,
      deciders: config.deciders.map((d) => d.name),
      decide: decidingAgain(engine.decide, config.deciders),
      logger,
    }),
    secrets: options.secrets,
    now: () => new Date(),
    worker: presence.worker,
    providers,
    telemetry,
    claim_intents_max: config.limits.claim_intents_max,
    logger,
  })
  const leave = async (): Promise<void> => {
    log.stop()
    await presence.leave()
    await sql.end({ timeout: 5 })
  }
  return { worker: presence.worker, applier, hear: (onWake) => hearWakeups(sql, onWake), leave }
}

const workerOf = async (
  options: EngineOptions,
  engine: Pick<
    Engine,
    'decide' | 'reconcile' | 'reconcileDeps' | 'sql' | 'providers' | 'budgets'
  > & {
    readonly under: (policies: readonly Policy[]) => UseCases
    readonly telemetry: Telemetry
  },
  onFatal: (reason: string) => void,
  schedules: readonly Schedule[],
): Promise<Worker> => {
  const { config, logger, url } = options
  const store = scheduleStore(engine.sql)
  await store.register(schedules.map((s) => ({ ...s, next_at: nextRunOf(s.cron, new Date()) })))
  let failed = false
  const fail = (reason: string): void => {
    failed = true
    onFatal(reason)
  }
  const { worker, applier, hear, leave } = await enterAndApply(options, engine, fail)
  const notices = createNotices(engine.reconcileDeps)
  const { deciders } = config
  const archive = () => archiveByPolicy(engine.sql, config)
  return startWorker({
    url,
    applier,
    onSweep: notices.tick,
    onStop: notices.stop,
    hear,
    schedules,
    onSchedule: runSchedule({ store, worker, under: engine.under, deciders, archive }),
    sweep_interval_ms: config.limits.sweep_interval_ms,
    drain_timeout_ms: config.limits.drain_timeout_ms,
    leave,
    onFatal: fail,
    hasFailed: () => failed,
    logger,
  })
}

/** An applier of the deciding process itself, entered with the first intent that asks for it. */
const applyHere = (
  options: EngineOptions,
  engine: Pick<Engine, 'decide' | 'providers' | 'budgets' | 'reconcileDeps'> & {
    readonly telemetry: Telemetry
  },
) => {
  const { sweep_interval_ms, drain_timeout_ms } = options.config.limits
  const notices = createNotices(engine.reconcileDeps)
  let entered: Promise<ApplyingHere & { readonly stopSweep: () => void }> | null = null
  const enter = async (onFatal: (reason: string) => void) => {
    const here = await enterAndApply(options, engine, onFatal)
    // There may be no other worker to see to what becomes due without a decision, or to what webhooks tell.
    const sweeping = { ...options, ...here, sweep_interval_ms, onFatal, onSweep: notices.tick }
    return { ...here, stopSweep: startSweep(sweeping) }
  }
  return {
    wake: async (onFatal: (reason: string) => void): Promise<void> => {
      entered ??= enter(onFatal).catch((error: unknown) => {
        entered = null
        throw error
      })
      await (await entered).applier.wake()
    },
    leave: async (): Promise<void> => {
      const here = await entered?.catch(() => null)
      if (here === undefined || here === null) return
      here.stopSweep()
      await Promise.all([here.applier.drain(drain_timeout_ms), notices.stop(drain_timeout_ms)])
      await here.leave()
    },
  }
}

/** Opens the pools; nothing is sent yet. The database must be migrated. */
export const openEngine = (options: EngineOptions): Engine => {
  const { url, config, logger } = options
  const { sql, deciding, waking_up } = openPools(url, config.limits)
  const budgets = createBudgets({ store: budgetStore(sql), providers: config.providers, logger })
  const telemetry = createTelemetry({ version: options.version, metrics: options.metrics ?? null })
  const kinds = config.providers.map((provider) => {
    const told = watched(telemetry.provider(provider), budgets.tell)
    return [provider.kind, told] as const
  })
  const providers: ReadonlyMap<string, AnyProvider> = new Map(kinds)
  const wakeup = createWakeup(waking_up, logger)
  const ground: Ground = {
    sql,
    decisions: decisionStore(deciding, config.limits),
    tries_max: config.limits.decide_tries_max,
    providers,
    budgets,
    secrets: options.secrets,
    telemetry,
    logger,
    wake: wakeup.wake,
  }
  const cases = useCases(ground, config.policies)
  const { reconcileDeps, quietly } = cases
  const engine = {
    url,
    sql,
    decide: cases.decide,
    reconcile: cases.reconcile,
    reconcileDeps,
    providers,
    budgets,
    telemetry,
    under: (policies: readonly Policy[]) => useCases(ground, [...config.policies, ...policies]),
  }
  const here = applyHere(options, engine)
  return {
    ...engine,
    wakeup,
    startWorker: async (onFatal, schedules) => {
      // A helper does not speak for the configuration of those who stay.
      if (schedules === undefined) await registerPolicies(sql, config.policies)
      return workerOf(options, engine, onFatal, schedules ?? schedulesOf(config))
    },
    decideHere: (onFatal) =>
      waking(quietly, () => {
        // Should this process not come to it, others are told.
        here.wake(onFatal).catch(wakeup.wake)
      }),
    applyHere: here.wake,
    close: async () => {
      await here.leave()
      await Promise.all([wakeup.flush(), budgets.stop()])
      await Promise.all([sql, deciding, waking_up].map((pool) => pool.end({ timeout: 5 })))
    },
  }
}
