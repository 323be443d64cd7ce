/** One reconcile run: look, believe, converge, put back. Level-based: it may run at any time, twice, or never. */
import { ForewordError } from '../domain/errors.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { Paused } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import type { IntentRef } from '../domain/result.ts'
import type { Telemetry } from '../domain/telemetry-ports.ts'
import type { Left } from './go-on.ts'
import { observe } from './observe.ts'
import { decideOnDrift, repairAll, type DriftDeps } from './on-drift.ts'
import { runConverge } from './run-converge.ts'

export interface ReconcileDeps extends DriftDeps {
  readonly scopes: () => Promise<readonly string[]>
  readonly telemetry: Pick<Telemetry, 'observe'>
}

export interface ReconcileOptions {
  readonly scope?: string
  readonly kind?: string
  readonly actor?: string
  /** Leaves alone what was looked at a moment ago and showed nothing new: see the trait `look_interval`. */
  readonly due_only?: boolean
}

export interface Reconciled {
  readonly looked: number
  readonly skipped: number
  readonly failed: number
  /** `KIND/NAME` of what had drifted, in their order. */
  readonly drifted: readonly string[]
  readonly decisions: readonly string[]
  readonly intents: readonly IntentRef[]
  /** Scopes that were looked at, and in which nothing was decided. */
  readonly paused: readonly Paused[]
  /** Scopes in which others were faster each time: the next run decides what is left there. */
  readonly gave_up: readonly string[]
  /** What could not be decided: the run has gone on without it. */
  readonly left: readonly Left[]
}

/** Where to converge: one kind of a scope, or all of it. */
export interface Target {
  readonly scope: string
  readonly kind?: string
}

/** Scopes in which nothing is put back now. */
type IsPaused = (scope: string) => boolean

export const pausedIn = (paused: readonly Paused[]): IsPaused => {
  const scopes = new Set(paused.map(({ scope }) => scope))
  return (scope) => scopes.has(scope)
}

/** Puts back what was found: by repair where nobody wants it, else by what is wanted. */
export const actOn = async (
  deps: ReconcileDeps,
  targets: readonly Target[],
  filter: Parameters<typeof repairAll>[1],
  by: { readonly actor: string; readonly isPaused: IsPaused },
): Promise<Pick<Reconciled, 'decisions' | 'intents' | 'gave_up' | 'left'>> => {
  const { actor, isPaused } = by
  const intents: IntentRef[] = [...(await repairAll(deps, filter, by))]
  const decisions: string[] = []
  const gave_up: string[] = []
  const left: Left[] = []
  const convergeOne = async (target: Target): Promise<void> => {
    const how = { ...target, actor, reason: 'reconcile', go_on: true }
    const converged = await runConverge(deps)(how)
    left.push(...(converged.left ?? []))
    decisions.push(...converged.decisions)
    intents.push(...converged.intents)
    if (converged.gave_up !== undefined) gave_up.push(target.scope)
  }
  for (const target of targets.filter(({ scope }) => !isPaused(scope))) {
    try {
      await convergeOne(target)
    } catch (error) {
      if (!(error instanceof ForewordError)) throw error
      // What ails one scope is no reason to leave the others as they are.
      const { message, remedy } = error
      left.push({ scope: target.scope, resource: null, reason: withoutSecrets(message), remedy })
    }
  }
  return { decisions, intents, gave_up, left }
}

export const reconcile =
  (deps: ReconcileDeps) =>
  async (options: ReconcileOptions): Promise<Reconciled> => {
    const paused = (await deps.store.paused()).filter(
      ({ scope }) => options.scope === undefined || options.scope === scope,
    )
    const by = { actor: options.actor ?? 'foreword/reconcile', isPaused: pausedIn(paused) }
    const drifted: string[] = []
    const left: Left[] = []
    const observed = await deps.telemetry.observe(options, () =>
      observe(deps)(options, async (batch) => {
        drifted.push(...batch.map(resourceKey))
        left.push(...(await decideOnDrift(deps, batch, by)))
      }),
    )
    const scopes = options.scope === undefined ? await deps.scopes() : [options.scope]
    const kind = options.kind === undefined ? {} : { kind: options.kind }
    const targets = scopes.map((scope) => ({ scope, ...kind }))
    const acted = await actOn(deps, targets, options, by)
    // A list that was gone on with may show one twice.
    const found = [...new Set(drifted)].toSorted()
    return { ...observed, drifted: found, ...acted, left: [...left, ...acted.left], paused }
  }
