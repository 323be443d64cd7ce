/** One reconcile run: look, believe, converge, put back. Level-based: it may run at any time, twice, or never. */
import type { OnDrift } from '../domain/config.ts'
import type { ResourceName } from '../domain/ports.ts'
import type { Paused } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import type { IntentRef } from '../domain/result.ts'
import { believe, repair } from './drift.ts'
import { observe, type Drifted, type ObserveDeps } from './observe.ts'
import { runConverge, type ConvergeDeps } from './run-converge.ts'

export interface ReconcileDeps extends ConvergeDeps, ObserveDeps {
  readonly onDrift: (at: ResourceName) => OnDrift
  readonly scopes: () => Promise<readonly string[]>
}

export interface ReconcileOptions {
  readonly scope?: string
  readonly kind?: string
  readonly actor?: string
}

export interface Reconciled {
  readonly looked: number
  readonly skipped: number
  readonly failed: number
  /** `KIND/NAME` of what had drifted. */
  readonly drifted: readonly string[]
  readonly decisions: readonly string[]
  readonly intents: readonly IntentRef[]
  /** Scopes that were looked at, and in which nothing was decided. */
  readonly paused: readonly Paused[]
}

const drifts_per_decision = 100

const byScope = (drifted: readonly Drifted[]): ReadonlyMap<string, readonly Drifted[]> => {
  const scopes = new Map<string, Drifted[]>()
  for (const d of drifted) scopes.set(d.scope, [...(scopes.get(d.scope) ?? []), d])
  return scopes
}

/** The part of a drift that a decision needs; the rest would only swell the log. */
const slim = (deps: ReconcileDeps) => (d: Drifted) => ({
  kind: d.kind,
  name: d.name,
  version: d.version,
  assumed: d.assumed,
  labels: d.labels,
  observed: d.observed,
  for_good: d.observed === null && deps.onDrift(d) === 'adopt',
})

/**
 * What is to be believed. Where a scope is paused, what nobody wants by a stack cannot be put back now; believed,
 * nothing would tell afterwards that it has drifted.
 */
const believable = async (
  deps: ReconcileDeps,
  scope: string,
  drifted: readonly Drifted[],
  is_paused: boolean,
): Promise<readonly Drifted[]> => {
  const act = drifted.filter((d) => deps.onDrift(d) !== 'report')
  if (!is_paused) return act
  const wanted = new Set((await deps.store.desired({ scope })).map(resourceKey))
  return act.filter((d) => deps.onDrift(d) !== 'repair' || wanted.has(resourceKey(d)))
}

const decideOnDrift = async (
  deps: ReconcileDeps,
  scope: string,
  drifted: readonly Drifted[],
  by: { readonly actor: string; readonly is_paused: boolean },
): Promise<readonly IntentRef[]> => {
  const { actor } = by
  const intents: IntentRef[] = []
  const act = await believable(deps, scope, drifted, by.is_paused)
  for (let i = 0; i < act.length; i += drifts_per_decision) {
    const part = act.slice(i, i + drifts_per_decision)
    const reason = 'the provider showed something else than was assumed'
    const common = { scope, actor, reason }
    await deps.decide(believe, {
      ...common,
      input: { drifted: part.map(slim(deps)) },
      cause: 'observation',
    })
    const desired = await deps.store.desired({ scope })
    const vanished = desired.filter((row) =>
      part.some((d) => d.resource === row.resource && slim(deps)(d).for_good),
    )
    for (const row of vanished) await deps.store.unwant(row, actor)
    const adopted = desired.flatMap((row) => {
      const seen = part.find((d) => resourceKey(d) === resourceKey(row))
      const adopt = seen !== undefined && seen.observed !== null && deps.onDrift(row) === 'adopt'
      return adopt ? [{ ...row, spec: seen.observed }] : []
    })
    if (adopted.length > 0) await deps.store.want(adopted, actor)
    const settled = part.filter((d) => deps.onDrift(d) === 'adopt')
    await deps.store.endDrift(settled.map((d) => d.resource))
    const wanted = new Set(desired.map(resourceKey))
    const orphans = part.filter((d) => !wanted.has(resourceKey(d)) && deps.onDrift(d) === 'repair')
    if (orphans.length === 0) continue
    const put_back = await deps.decide(repair, {
      ...common,
      reason: 'repair of drift',
      input: { drifted: orphans.map(slim(deps)) },
    })
    if (put_back.type === 'decided') intents.push(...put_back.intents)
  }
  return intents
}

export const reconcile =
  (deps: ReconcileDeps) =>
  async (options: ReconcileOptions): Promise<Reconciled> => {
    const actor = options.actor ?? 'foreword/reconcile'
    const observed = await observe(deps)(options)
    const intents: IntentRef[] = []
    const decisions: string[] = []
    const paused = (await deps.store.paused()).filter(
      ({ scope }) => options.scope === undefined || options.scope === scope,
    )
    const is_paused = (at: string): boolean => paused.some(({ scope }) => scope === at)
    for (const [scope, drifted] of byScope(observed.drifted)) {
      const by = { actor, is_paused: is_paused(scope) }
      intents.push(...(await decideOnDrift(deps, scope, drifted, by)))
    }
    const scopes = options.scope === undefined ? await deps.scopes() : [options.scope]
    for (const scope of scopes.filter((at) => !is_paused(at))) {
      const converged = await runConverge(deps)({
        scope,
        actor,
        reason: 'reconcile',
        ...(options.kind === undefined ? {} : { kind: options.kind }),
      })
      decisions.push(...converged.decisions)
      intents.push(...converged.intents)
    }
    return {
      looked: observed.looked,
      skipped: observed.skipped,
      failed: observed.failed,
      drifted: observed.drifted.map(resourceKey),
      decisions,
      intents,
      paused,
    }
  }
