/**
 * The built-in decider: compares what is wanted with what is assumed, and intends the difference.
 * Pure; the same code plans (READ ONLY) and converges.
 */
import {
  create,
  defineDecider,
  remove,
  update,
  type Assumed,
  type IntentDraft,
  type Query,
} from '../domain/decider.ts'
import { renderDiff, sameState, type Change } from '../domain/diff.ts'
import type { Json } from '../domain/json.ts'
import type { DesiredRow } from '../domain/reconcile-ports.ts'
import { needsOf, resourceKey } from '../domain/reference.ts'

/** What one decision converges, with what else is going away. */
export interface ConvergeInput {
  readonly wanted: readonly Pick<
    DesiredRow,
    'kind' | 'name' | 'spec' | 'labels' | 'counters' | 'needs'
  >[]
  /** By resource that goes: the resources that need it and go as well, which must go first. */
  readonly needers: { readonly [key: string]: readonly string[] }
}

/** One line of a plan. */
export interface PlannedChange {
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly paths: readonly Change[]
  readonly after: Json
  /** It would await approval. */
  readonly waits?: string
}

const sameLabels = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) =>
  sameState(a, b)

const draftOf = (
  item: ConvergeInput['wanted'][number],
  assumed: Assumed | null,
  needers: ConvergeInput['needers'],
): IntentDraft | null => {
  if (item.spec === null) {
    if (assumed === null) return null
    return remove(item.kind, item.name, { needs: needers[resourceKey(item)] ?? [] })
  }
  const options = {
    labels: item.labels,
    counters: item.counters,
    needs: needsOf({ needs: item.needs, spec: item.spec }),
  }
  if (assumed === null) return create(item.kind, item.name, item.spec, options)
  const same = sameState(assumed.state, item.spec) && sameLabels(assumed.labels, item.labels)
  return same ? null : update(item.kind, item.name, item.spec, options)
}

const byKind = (input: ConvergeInput): ReadonlyMap<string, readonly string[]> => {
  const kinds = new Map<string, string[]>()
  for (const { kind, name } of input.wanted) kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  return kinds
}

export const converge = defineDecider({
  name: 'foreword/converge',
  version: 1,
  apart: true,
  read: (q, input: ConvergeInput) => {
    const reads: Record<string, Query<readonly (Assumed | null)[]>> = {}
    for (const [kind, names] of byKind(input)) reads[kind] = q.getAll(kind, names)
    return reads
  },
  decide: (facts, input: ConvergeInput) => {
    const assumed = new Map<string, Assumed>()
    for (const found of Object.values(facts).flat()) {
      if (found !== null) assumed.set(resourceKey(found), found)
    }
    return input.wanted.flatMap((item) => {
      const draft = draftOf(item, assumed.get(resourceKey(item)) ?? null, input.needers)
      return draft === null ? [] : [draft]
    })
  },
})

/** What an intent changes, path by path, for people. */
export const plannedOf = (
  change: {
    readonly kind: string
    readonly name: string
    readonly verb: string
    readonly state: Json
    readonly initial?: 'pending' | 'awaiting_approval'
    readonly held_because?: string
  },
  before: Json,
): PlannedChange => ({
  kind: change.kind,
  name: change.name,
  verb: change.verb,
  paths: change.verb === 'update' ? renderDiff(before, change.state) : [],
  after: change.state,
  ...(change.initial === 'awaiting_approval'
    ? { waits: change.held_because ?? `a policy holds back ${change.verb}` }
    : {}),
})
