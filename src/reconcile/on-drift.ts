/** What becomes of drift: it is believed and put back, adopted, or only reported, as the policies say. */
import type { OnDrift } from '../domain/config.ts'
import type { IntentDraft } from '../domain/decider.ts'
import { believedState } from '../domain/diff.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { Json } from '../domain/json.ts'
import type { ResourceName, WritePlan } from '../domain/ports.ts'
import type { Believed, DesiredRow } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import type { IntentRef } from '../domain/result.ts'
import { believe, repair } from './drift.ts'
import type { Left } from './go-on.ts'
import type { Drifted, ObserveDeps } from './observe.ts'
import type { ConvergeDeps } from './run-converge.ts'

export interface DriftDeps extends ConvergeDeps, ObserveDeps {
  readonly onDrift: (at: ResourceName) => OnDrift
}

/** A decision of so many resources at most: a larger one would meet more of what others decide. */
const resources_per_decision = 100
/** An owner may change his mind while what was seen is adopted. */
const rereads_max = 5

const byScope = <A extends { readonly scope: string }>(
  all: readonly A[],
): ReadonlyMap<string, readonly A[]> => Map.groupBy(all, ({ scope }) => scope)

const chunked = <A>(all: readonly A[], size: number): readonly (readonly A[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  )

const stateOf = (deps: DriftDeps, d: Drifted, base: Json): Json =>
  believedState(base, d.expected, d.observed, { ignore: deps.ignoredPaths(d) })

/** The desired rows whose specs become what was seen, once it is certain that it is believed. */
const adopting =
  (deps: DriftDeps, part: readonly Drifted[], desired: readonly DesiredRow[]) =>
  (drafts: readonly IntentDraft[]): WritePlan['acted'] => {
    const adopted = new Set(drafts.filter(({ verb }) => verb === 'adopt').map(resourceKey))
    return part.flatMap((d) => {
      const row = desired.find(({ resource }) => resource === d.resource)
      if (row === undefined || row.spec === null || !adopted.has(resourceKey(d))) return []
      const { resource, generation } = row
      return [{ resource, generation, adopted: { spec: stateOf(deps, d, row.spec) } }]
    })
  }

/** Believes what was seen. Whatever is adopted is wanted and assumed in one transaction. Left: why it is not. */
const believeAll = async (
  deps: DriftDeps,
  scope: string,
  part: readonly Drifted[],
  actor: string,
): Promise<Pick<Left, 'reason' | 'remedy'> | null> => {
  const ids = part.map(({ resource }) => resource)
  const beliefs = part.map((d) => ({
    kind: d.kind,
    name: d.name,
    version: d.version,
    state: stateOf(deps, d, d.assumed),
    adopt: deps.onDrift(d) === 'adopt',
  }))
  for (let rereads = 0; rereads < rereads_max; rereads++) {
    const adopted = beliefs.some(({ adopt }) => adopt)
    const desired = adopted ? await deps.store.desiredOf(ids) : []
    const result = await deps.decide(believe, {
      scope,
      actor,
      reason: 'the provider showed something else than was assumed',
      input: { beliefs },
      cause: 'observation',
      acted: adopting(deps, part, desired),
    })
    // Somebody wants something else since we looked: look again.
    if (result.type === 'invalid' && result.sqlstate === 'FW030') continue
    if (result.type === 'invalid') return result
    if (result.type === 'decided') {
      const settled = result.intents.filter(({ verb }) => verb === 'adopt').map(resourceKey)
      const ended = part.filter((d) => settled.includes(resourceKey(d)))
      if (ended.length > 0) await deps.store.endDrift(ended.map(({ resource }) => resource))
      const gone = part.filter(({ observed }) => observed === null)
      if (gone.length > 0) await deps.store.forgetGone(gone.map(({ resource }) => resource))
    }
    return null
  }
  return null
}

/** What cannot be believed keeps none of the others from it: part by part, down to the one that cannot. */
const believeSome = async (
  deps: DriftDeps,
  scope: string,
  part: readonly Drifted[],
  actor: string,
): Promise<readonly Left[]> => {
  const why = await believeAll(deps, scope, part, actor)
  const [one] = part
  if (why === null || one === undefined) return []
  if (part.length === 1) {
    const reason = withoutSecrets(`it has drifted, and ${why.reason}`)
    return [{ scope, resource: resourceKey(one), reason, remedy: why.remedy }]
  }
  const left: Left[] = []
  for (const half of chunked(part, Math.ceil(part.length / 2))) {
    left.push(...(await believeSome(deps, scope, half, actor)))
  }
  return left
}

/** On whose behalf, and where nothing can be put back now. */
interface By {
  readonly actor: string
  readonly isPaused: (scope: string) => boolean
}

/**
 * What is to be believed. Where a scope is paused, what nobody wants by a stack cannot be put back now; until
 * then it is shown as drift, and not as what is assumed.
 */
const believable = async (
  deps: DriftDeps,
  drifted: readonly Drifted[],
  { isPaused }: By,
): Promise<readonly Drifted[]> => {
  const acted_on = drifted.filter((d) => deps.onDrift(d) !== 'report')
  const held = acted_on.filter((d) => isPaused(d.scope) && deps.onDrift(d) === 'repair')
  if (held.length === 0) return acted_on
  const desired = await deps.store.desiredOf(held.map(({ resource }) => resource))
  const wanted = new Set(desired.map(({ resource }) => resource))
  return acted_on.filter((d) => !held.includes(d) || wanted.has(d.resource))
}

/** Believes what the policies do not only report; what cannot be is left. Who decides meanwhile is not overrun. */
export const decideOnDrift = async (
  deps: DriftDeps,
  drifted: readonly Drifted[],
  by: By,
): Promise<readonly Left[]> => {
  const left: Left[] = []
  for (const [scope, here] of byScope(await believable(deps, drifted, by))) {
    for (const part of chunked(here, resources_per_decision)) {
      left.push(...(await believeSome(deps, scope, part, by.actor)))
    }
  }
  return left
}

const repairPart = async (
  deps: DriftDeps,
  scope: string,
  part: readonly Believed[],
  actor: string,
): Promise<readonly IntentRef[]> => {
  const gone = part.filter((b) => b.gone)
  if (gone.length > 0) await deps.store.forgetGone(gone.map(({ resource }) => resource))
  const repairs = part.map((b) => ({
    kind: b.kind,
    name: b.name,
    version: b.version,
    state: b.before,
    labels: b.labels,
  }))
  const result = await deps.decide(repair, {
    scope,
    actor,
    reason: 'repair of drift',
    input: { repairs },
  })
  if (result.type === 'decided') return result.intents
  if (result.type === 'invalid' && part.length > 1) {
    // One that may not be put back (a policy, a codec of today) does not keep the others from it.
    const each = await Promise.all(part.map((one) => repairPart(deps, scope, [one], actor)))
    return each.flat()
  }
  if (result.type === 'invalid') {
    const { reason, remedy } = result
    deps.logger.warn({ scope, resource: part.map(resourceKey)[0], reason, remedy }, 'not repaired')
  }
  return []
}

/**
 * Puts back what is believed to have changed and nobody wants by a stack; what somebody wants, converge puts
 * back. Level-based: beliefs of a run that died are found too.
 */
export const repairAll = async (
  deps: DriftDeps,
  filter: { readonly scope?: string; readonly kind?: string },
  { actor, isPaused }: By,
): Promise<readonly IntentRef[]> => {
  const { scope, kind } = filter
  const kinds = kind === undefined ? [...deps.providers.keys()] : [kind]
  const believed = await deps.store.believed({ kinds, ...(scope === undefined ? {} : { scope }) })
  const due = believed.filter((b) => deps.onDrift(b) === 'repair' && !isPaused(b.scope))
  const intents: IntentRef[] = []
  for (const [where, here] of byScope(due)) {
    for (const part of chunked(here, resources_per_decision)) {
      intents.push(...(await repairPart(deps, where, part, actor)))
    }
  }
  return intents
}
