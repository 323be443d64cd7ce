/** Puts the rooms together: one database, the use-cases on it, and, where asked, a worker. */
import { createBudgets } from './apply/budgets.ts'
import { watched } from './apply/watched.ts'
import type { Policy, Schedule } from './domain/config.ts'
import { nextRunOf } from './domain/cron-next.ts'
import type { AnyProvider } from './domain/provider.ts'
import { schedulesOf } from './domain/retention.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import { createNotices } from './reconcile/notices.ts'
import { archiveByPolicy } from './store/archive/archive-store.ts'
import { budgetStore } from './store/budget-store.ts'
import { connectSql, takesSettings } from './store/connect.ts'
import { queueUrl } from './store/queue-url.ts'
import { decisionStore } from './store/decision-store.ts'
import { migrate, type MigrateReport } from './store/migrate/migrate.ts'
import { registerPolicies } from './store/policy-store.ts'
import { openPools } from './store/pools.ts'
import { readQueue } from './store/queue-state.ts'
import { watchRelease } from './store/release-watch.ts'
import { scheduleStore } from './store/schedule-store.ts'
import { createWakeup } from './store/wakeup.ts'
import { createTelemetry } from './telemetry/telemetry.ts'
import { useCases, waking, type Ground, type UseCases } from './use-cases.ts'
import { applyHere } from './applying-here.ts'
import { enterAndApply } from './applying.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { bringQueue } from './worker/queue-needs.ts'
import { runSchedule } from './worker/run-scheduled.ts'
import { startWorker, type Worker } from './worker/worker.ts'

export type { Engine, EngineOptions } from './engine.ts'

/**
 * Migrations, views, and the queue's own tables; the policies, where whoever asks has the say. Idempotent.
 * `back`: also from a later release.
 */
export const migrateAll = async (
  url: string,
  policies?: readonly Policy[],
  back = false,
): Promise<MigrateReport> => {
  const sql = connectSql({ url, application_name: 'foreword:migrate', max: 1 })
  try {
    const report = await migrate(sql, {
      url,
      back,
      afterwards: async () => bringQueue(await queueUrl(url), await readQueue(sql)),
    })
    if (policies !== undefined) await registerPolicies(sql, policies)
    return report
  } finally {
    await sql.end({ timeout: 5 })
  }
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
  { schedules, whole }: { readonly schedules: readonly Schedule[]; readonly whole: boolean },
): Promise<Worker> => {
  const { config, logger, url } = options
  const store = scheduleStore(engine.sql)
  let failed = false
  const fail = (reason: string): void => {
    failed = true
    onFatal(reason)
  }
  const { worker, applier, hear, leave } = await enterAndApply(options, engine, fail)
  const registered = schedules.map((s) => ({ ...s, next_at: nextRunOf(s.cron, new Date()) }))
  try {
    await store.register(worker, registered, whole)
  } catch (error) {
    await leave()
    throw error
  }
  const release = await watchRelease(engine.sql, fail)
  const notices = createNotices(engine.reconcileDeps)
  const { deciders } = config
  const archive = () => archiveByPolicy(engine.sql, config)
  return startWorker({
    url: await queueUrl(url),
    takes_settings: takesSettings(url),
    applier,
    onSweep: () => {
      notices.tick()
      release.tick()
    },
    onStop: notices.stop,
    hear,
    schedules,
    onSchedule: runSchedule({ store, worker, under: engine.under, deciders, archive }),
    sweep_interval_ms: config.limits.sweep_interval_ms,
    drain_timeout_ms: config.limits.drain_timeout_ms,
    keep_answers_ms: config.limits.keep_answers_ms,
    leave,
    onFatal: fail,
    hasFailed: () => failed,
    logger,
  })
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
  // Should this process not come to it, others are told.
  const decideHere = waking(quietly, () => void here.wake().catch(wakeup.wake))
  return {
    ...engine,
    wakeup,
    startWorker: async (onFatal, schedules) => {
      // A helper does not speak for the configuration of those who stay.
      const whole = schedules === undefined
      if (whole) await registerPolicies(sql, config.policies)
      return workerOf(options, engine, onFatal, {
        schedules: schedules ?? schedulesOf(config),
        whole,
      })
    },
    decideHere: here.unlessOver(decideHere),
    applyHere: here.wake,
    close: async () => {
      await here.leave()
      await Promise.all([wakeup.flush(), budgets.stop()])
      await Promise.all([sql, deciding, waking_up].map((pool) => pool.end({ timeout: 5 })))
    },
  }
}
