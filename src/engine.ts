/** One process on one database: what it is made of, and what it can do. */
import type { Budgets } from './apply/budgets.ts'
import type { decide } from './decide/decide.ts'
import type { Config, Schedule } from './domain/config.ts'
import type { Logger } from './domain/ports.ts'
import type { AnyProvider, Secrets } from './domain/provider.ts'
import type { reconcile, ReconcileDeps } from './reconcile/reconcile.ts'
import type { Sql } from './store/connect.ts'
import type { Wakeup } from './store/wakeup.ts'
import type { Metrics } from './telemetry/metrics.ts'
import type { Worker } from './worker/worker.ts'

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
  readonly decideHere: ReturnType<typeof decide>
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
  readonly applyHere: () => Promise<void>
  readonly close: () => Promise<void>
}
