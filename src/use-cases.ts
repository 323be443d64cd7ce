/** Deciding and reconciling as one process does it: on its pools, under the policies that it is given. */
import type { Budgets } from './apply/budgets.ts'
import { decide, preview, type DecideDeps } from './decide/decide.ts'
import { limitsDeletes } from './decide/hold-deletes.ts'
import type { Policy } from './domain/config.ts'
import { newDecisionId } from './domain/decision-id.ts'
import { driftPolicy, ignoredPaths } from './domain/policy.ts'
import type { DecisionStore, Logger } from './domain/ports.ts'
import type { AnyProvider, Secrets } from './domain/provider.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import type { DecideResult } from './domain/result.ts'
import { reconcile, type ReconcileDeps } from './reconcile/reconcile.ts'
import { applyLog } from './store/apply-log.ts'
import type { Sql } from './store/connect.ts'
import { reconcileStore } from './store/reconcile-store.ts'

export interface Ground {
  readonly sql: Sql
  readonly decisions: DecisionStore
  readonly tries_max: number
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly budgets: Budgets
  readonly secrets: Secrets
  readonly telemetry: Telemetry
  readonly logger: Logger
  /** Told after every decision that wrote something. */
  readonly wake: () => void
}

export interface UseCases {
  readonly decide: ReturnType<typeof decide>
  /** The same, and nobody is woken. */
  readonly quietly: ReturnType<typeof decide>
  readonly reconcile: ReturnType<typeof reconcile>
  readonly reconcileDeps: ReconcileDeps
}

/** Each run told of; its trace goes into the log with what it decides. */
const told =
  (run: ReturnType<typeof decide>, telemetry: Telemetry): ReturnType<typeof decide> =>
  (decider, options) => {
    const { scope, instead_of } = options
    const of = { scope, decider: decider.name, ...(instead_of === undefined ? {} : { instead_of }) }
    return telemetry.decision(of, (traceparent) =>
      run(decider, traceparent === undefined ? options : { ...options, traceparent }),
    )
  }

/** Wakes the appliers after every decision that wrote something. */
export const waking =
  (run: ReturnType<typeof decide>, wake: () => void): ReturnType<typeof decide> =>
  async (decider, options) => {
    const result: DecideResult = await run(decider, options)
    if (result.type === 'decided') wake()
    return result
  }

export const useCases = (ground: Ground, policies: readonly Policy[]): UseCases => {
  const { sql, providers, budgets, secrets, telemetry, logger } = ground
  const deps: DecideDeps = {
    store: ground.decisions,
    rules: { providers, policies },
    tries_max: ground.tries_max,
    newId: () => newDecisionId(Date.now()),
    now: () => new Date(),
  }
  const quietly = told(decide(deps), telemetry)
  const run = waking(quietly, ground.wake)
  const store = reconcileStore(sql)
  const reconcileDeps: ReconcileDeps = {
    store,
    decide: run,
    preview: preview(deps),
    providers,
    admit: budgets.admit,
    secrets,
    outputsOf: applyLog(sql).outputsOf,
    limits_deletes: limitsDeletes(policies),
    ignoredPaths: ignoredPaths(policies),
    onDrift: driftPolicy(policies),
    scopes: () => store.scopes(),
    telemetry,
    logger,
  }
  const all = reconcile(reconcileDeps)
  return {
    decide: run,
    quietly,
    reconcile: (options) => telemetry.reconcile(options, () => all(options)),
    reconcileDeps,
  }
}
