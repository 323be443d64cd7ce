/** Converging a scope: in dependency order, a bounded part of it in each decision. */
import * as E from 'fp-ts/lib/Either.js'
import type { Decider, IntentDraft, Reads } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import { topologicalOrder } from '../domain/graph.ts'
import type { Json } from '../domain/json.ts'
import type { ResourceName, WritePlan } from '../domain/ports.ts'
import type { DesiredRow, ReconcileStore } from '../domain/reconcile-ports.ts'
import { needsOf, resourceKey } from '../domain/reference.ts'
import type { DecideResult, IntentRef } from '../domain/result.ts'
import { converge, plannedOf, type ConvergeInput, type PlannedChange } from './converge.ts'

/** More reads than this in one decision could be promoted to locks on whole tables. */
const resources_per_decision = 100
/** What is wanted may change under a converging decision; after so many times something is wrong. */
const rereads_max = 10

export interface SystemDecision {
  readonly scope: string
  readonly input: unknown
  readonly actor?: string
  readonly reason?: string
  readonly cause?: 'intent' | 'observation'
  readonly acted?: (drafts: readonly IntentDraft[]) => WritePlan['acted']
  /** Deletions of the same run, in other decisions. */
  readonly deletes_beside?: readonly ResourceName[]
}

export type Decide = <R extends Reads, Input>(
  decider: Decider<R, Input>,
  options: SystemDecision & { readonly input: Input },
) => Promise<DecideResult>

export interface PreviewedChange {
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly state: Json
  readonly initial?: 'pending' | 'awaiting_approval'
  readonly held_because?: string
}

export type Preview = <R extends Reads, Input>(
  decider: Decider<R, Input>,
  options: SystemDecision & { readonly input: Input },
) => Promise<
  E.Either<{ readonly reason: string; readonly remedy?: string }, readonly PreviewedChange[]>
>

export interface ConvergeDeps {
  readonly store: ReconcileStore
  readonly decide: Decide
  readonly preview: Preview
  /** Some policy limits deletions: a run of several decisions counts those of all of them. */
  readonly limits_deletes?: boolean
}

export interface Converged {
  readonly decisions: readonly string[]
  readonly intents: readonly IntentRef[]
  /** Aborted tries that were decided again. */
  readonly retries: number
  /** The scope was paused, and nothing more was decided: who has paused it, and what lifts that. */
  readonly paused?: string
}

type Item = Pick<
  DesiredRow,
  'scope' | 'kind' | 'name' | 'spec' | 'labels' | 'counters' | 'needs'
> & { readonly resource?: string; readonly generation?: number }

/** What is to be there before what needs it; then what is to go, needers first. */
const inOrder = (items: readonly Item[]): readonly Item[] => {
  const nodes = items.map((item) => ({ id: resourceKey(item), needs: needsOf(item), item }))
  const order = topologicalOrder(nodes)
  if (E.isLeft(order)) {
    throw new ForewordError(`cyclic needs: ${[...order.left, order.left[0]].join(' -> ')}`, {
      where: `scope ${items[0]?.scope ?? ''}`,
      remedy: 'break the cycle in the stack file',
    })
  }
  const coming = order.right.filter(({ item }) => item.spec !== null)
  const going = order.right.filter(({ item }) => item.spec === null).toReversed()
  return [...coming, ...going].map(({ item }) => item)
}

const needersOf = (items: readonly Item[]): ConvergeInput['needers'] => {
  const needers: Record<string, string[]> = {}
  for (const item of items.filter((i) => i.spec === null)) {
    for (const need of item.needs) (needers[need] ??= []).push(resourceKey(item))
  }
  return needers
}

const chunked = <A>(all: readonly A[], size: number): readonly (readonly A[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  )

const inputOf = (part: readonly Item[], needers: ConvergeInput['needers']): ConvergeInput => ({
  wanted: part.map(({ kind, name, spec, labels, counters, needs }) => ({
    kind,
    name,
    spec,
    labels,
    counters,
    needs,
  })),
  needers: Object.fromEntries(
    part.flatMap((item) => {
      const key = resourceKey(item)
      return needers[key] === undefined ? [] : [[key, needers[key]]]
    }),
  ),
})

/** The generations of the rows that a set of intents acts on. */
const actedOn =
  (part: readonly Item[]) =>
  (drafts: readonly IntentDraft[]): WritePlan['acted'] => {
    const intended = new Set(drafts.map(resourceKey))
    return part.flatMap((item) =>
      intended.has(resourceKey(item)) && item.resource !== undefined
        ? [{ resource: item.resource, generation: item.generation ?? 0 }]
        : [],
    )
  }

const failed = (result: DecideResult, scope: string): ForewordError => {
  switch (result.type) {
    case 'invalid':
      return new ForewordError(result.reason, { where: `scope ${scope}`, remedy: result.remedy })
    case 'gave_up':
      return new ForewordError(`others were faster ${result.tries} times`, {
        where: `scope ${scope}`,
        remedy: 'run it again',
      })
    case 'decided':
    case 'unchanged':
    case 'refused':
      return new ForewordError(`converge ended with ${result.type}`, { where: `scope ${scope}` })
  }
}

export interface ConvergeOptions {
  readonly scope: string
  readonly kind?: string
  readonly stack?: string
  readonly actor?: string
  readonly reason?: string
}

/** What a run would delete, in all its decisions; asked only where a policy limits that. */
const deletesOf = async (
  deps: ConvergeDeps,
  scope: string,
  parts: readonly (readonly Item[])[],
  needers: ConvergeInput['needers'],
): Promise<readonly ResourceName[]> => {
  const deletes: ResourceName[] = []
  if (deps.limits_deletes !== true || parts.length < 2) return deletes
  for (const part of parts) {
    const going = part.filter(({ spec }) => spec === null)
    if (going.length === 0) continue
    const changes = await deps.preview(converge, { scope, input: inputOf(going, needers) })
    // What is wrong with it is told by the decision itself.
    if (E.isLeft(changes)) continue
    for (const { kind, name, verb } of changes.right) {
      if (verb === 'delete') deletes.push({ scope, kind, name })
    }
  }
  return deletes
}

/** Decides until what is wanted in a scope is what is assumed. Throws a ForewordError where it cannot. */
export const runConverge =
  (deps: ConvergeDeps) =>
  async (options: ConvergeOptions): Promise<Converged> => {
    const decisions: string[] = []
    const intents: IntentRef[] = []
    let retries = 0
    let rereads = 0
    for (let moved = true; moved && rereads < rereads_max; rereads++) {
      moved = false
      const items = inOrder(await deps.store.desired(options))
      const needers = needersOf(items)
      const parts = chunked(items, resources_per_decision)
      const deletes_beside = await deletesOf(deps, options.scope, parts, needers)
      for (const part of parts) {
        const result = await deps.decide(converge, {
          ...options,
          input: inputOf(part, needers),
          acted: actedOn(part),
          deletes_beside,
        })
        // Somebody wants something else since we looked: look again.
        moved = result.type === 'invalid' && result.sqlstate === 'FW030'
        if (moved) break
        if (result.type === 'decided') {
          decisions.push(result.decision)
          intents.push(...result.intents)
        } else if (result.type === 'refused' && result.paused === true) {
          return { decisions, intents, retries, paused: result.reason }
        } else if (result.type !== 'unchanged') throw failed(result, options.scope)
        retries += result.tries - 1
      }
    }
    return { decisions, intents, retries }
  }

/** What converging these items would do now, in a READ ONLY transaction. */
export const planConverge =
  (deps: ConvergeDeps) =>
  async (
    scope: string,
    items: readonly Item[],
    assumed: ReadonlyMap<string, Json>,
  ): Promise<readonly PlannedChange[]> => {
    const ordered = inOrder(items)
    const needers = needersOf(ordered)
    const planned: PlannedChange[] = []
    const parts = chunked(ordered, resources_per_decision)
    const deletes_beside = await deletesOf(deps, scope, parts, needers)
    for (const part of parts) {
      const input = inputOf(part, needers)
      const changes = await deps.preview(converge, { scope, input, deletes_beside })
      if (E.isLeft(changes)) {
        throw new ForewordError(changes.left.reason, {
          where: `scope ${scope}`,
          remedy: changes.left.remedy ?? 'run it again',
        })
      }
      for (const change of changes.right) {
        planned.push(plannedOf(change, assumed.get(resourceKey(change)) ?? null))
      }
    }
    return planned
  }
