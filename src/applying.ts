/** A process enters the database as a worker, with the applier that works under that name. */
import { createApplier, type Applier } from './apply/applier.ts'
import { createDecideAgain } from './apply/decide-again.ts'
import { settlingSurely } from './apply/settle-surely.ts'
import { withinBudgets } from './apply/within-budgets.ts'
import type { decide } from './decide/decide.ts'
import type { AnyDecider } from './domain/decider.ts'
import type { StaleDecision } from './domain/ports.ts'
import type { DecideResult } from './domain/result.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { applyLog } from './store/apply-log.ts'
import { budgetStore } from './store/budget-store.ts'
import { connectSql, type Sql } from './store/connect.ts'
import { tracesOf } from './store/trace-store.ts'
import { hearWakeups } from './store/wakeup.ts'
import { enterAsWorker } from './store/worker-presence.ts'
import type { WorkerDeps } from './worker/worker.ts'

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

export interface Applying {
  readonly worker: number
  readonly applier: Applier
  readonly hear: WorkerDeps['hear']
  readonly leave: () => Promise<void>
}

/** What claims and settles goes through it. */
const poolOf = (url: string): Sql =>
  connectSql({
    url,
    application_name: 'foreword:apply',
    max: 4,
    connection: {
      // The rows of a process that was stopped in the midst of a withdrawal are not locked for ever.
      idle_in_transaction_session_timeout: '5000',
      // One of them listens, and may hear nothing for long.
      idle_session_timeout: '0',
    },
  })

/** Enters the database as a worker and makes the applier that works under that name. */
export const enterAndApply = async (
  options: EngineOptions,
  engine: Pick<Engine, 'decide' | 'providers' | 'budgets'> & { readonly telemetry: Telemetry },
  onFatal: (reason: string) => void,
): Promise<Applying> => {
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
  const sql = poolOf(url)
  const log = withinBudgets({
    log: settlingSurely(
      telemetry.log(applyLog(sql), tracesOf(sql)),
      config.limits.keep_answers_ms,
      logger,
    ),
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
    try {
      await presence.leave()
    } finally {
      await sql.end({ timeout: 5 })
    }
  }
  return { worker: presence.worker, applier, hear: (onWake) => hearWakeups(sql, onWake), leave }
}
