/**
 * The built-in decider: compares what is wanted with what is assumed, and intends the difference.
 * Pure; the same code plans (READ ONLY) and converges.
 */
import {
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type Assumed,
  type IntentDraft,
  type Query,
} from '../domain/decider.ts'
import { needsOf, resourceKey } from '../domain/reference.ts'
import { dependentsOf, isCreatedFirst, judge, type Judged, type WantedItem } from './judge.ts'

/** What one decision converges, with what else is going away. */
export interface ConvergeInput {
  readonly wanted: readonly WantedItem[]
  /** By resource that goes: who needs it so far and goes as well, or will need it no more, and must come first. */
  readonly needers: { readonly [key: string]: readonly string[] }
  /**
   * By resource that is to be replaced, the version that it has now. All that refers to it is among `wanted`, and
   * nothing is under way with it: whoever finds another one to be replaced must look again.
   */
  readonly replacing?: { readonly [key: string]: number }
  /** By resource: the version that it must have, null: absent. Who decides by a saved plan decides nothing else. */
  readonly expected?: { readonly [key: string]: number | null }
}

/** What was looked at beforehand has moved: to be looked at again. */
export const moved_meanwhile = 'what is there has changed meanwhile'

const name_chars_max = 512

/** What an old one is called from the moment on when its successor is decided, until it is gone. */
export const deposedName = (name: string, version: number): string => {
  const suffix = `~v${version}`
  return `${name.slice(0, name_chars_max - suffix.length)}${suffix}`
}

interface Situation {
  readonly versionOf: (key: string) => number
  readonly judged: ReadonlyMap<string, Judged>
  readonly dependents: ReadonlyMap<string, readonly WantedItem[]>
  readonly needers: ConvergeInput['needers']
}

/** Of those that need a resource, the ones of which this is decided at the same time. */
const dependentsThat = (
  { judged, dependents }: Situation,
  key: string,
  verbs: readonly Judged['verb'][],
): readonly string[] =>
  (dependents.get(key) ?? [])
    .map(resourceKey)
    .filter((dependent) => verbs.includes(judged.get(dependent)?.verb ?? 'none'))

const replaceDrafts = (
  at: Situation,
  item: WantedItem,
  verdict: Extract<Judged, { verb: 'replace' }>,
): readonly IntentDraft[] => {
  const { kind, name, labels, counters } = item
  const key = resourceKey(item)
  const needs = needsOf(item)
  const common = { type: 'intent' as const, kind, name, verb: 'replace', state: verdict.state }
  if (!verdict.create_first) {
    const going = dependentsThat(at, key, ['replace', 'delete'])
    const first_needs = [...new Set([...going, ...(at.needers[key] ?? [])])]
    return [{ ...common, labels, counters, needs, replace: { first_needs } }]
  }
  const deposedOf = (of: WantedItem): string => deposedName(of.name, at.versionOf(resourceKey(of)))
  const deposed = deposedOf(item)
  const before = [
    ...dependentsThat(at, key, ['update', 'replace', 'delete']),
    ...(at.needers[key] ?? []),
  ]
  // Their old ones may refer to it to their end.
  const olds = (at.dependents.get(key) ?? [])
    .filter((of) => isCreatedFirst(at.judged.get(resourceKey(of))))
    .map((of) => resourceKey({ kind: of.kind, name: deposedOf(of) }))
  return [
    { ...common, labels, counters, needs, replace: { first_needs: [], deposed } },
    remove(kind, deposed, { needs: [...new Set([key, ...before, ...olds])] }),
  ]
}

const draftsOf = (at: Situation, item: WantedItem): readonly IntentDraft[] => {
  const { kind, name, labels, counters } = item
  const key = resourceKey(item)
  const verdict = at.judged.get(key) ?? { verb: 'none' }
  const options = { labels, counters, needs: needsOf(item) }
  switch (verdict.verb) {
    case 'none':
      return []
    case 'create':
      return [create(kind, name, verdict.state, options)]
    case 'update':
      return [update(kind, name, verdict.state, options)]
    case 'delete':
      return [remove(kind, name, { needs: [...(at.needers[key] ?? []), ...(item.after ?? [])] })]
    case 'replace':
      return replaceDrafts(at, item, verdict)
  }
}

const byKind = (input: ConvergeInput): ReadonlyMap<string, readonly string[]> => {
  const kinds = new Map<string, string[]>()
  for (const { kind, name } of input.wanted) {
    const names = kinds.get(kind)
    if (names === undefined) kinds.set(kind, [name])
    else names.push(name)
  }
  return kinds
}

export const converge = defineDecider({
  name: 'foreword/converge',
  version: 2,
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
    const { expected } = input
    if (expected !== undefined) {
      const key = input.wanted
        .map(resourceKey)
        .find((one) => expected[one] !== (assumed.get(one)?.version ?? null))
      if (key !== undefined) return refuse(`${key} has moved since it was planned`)
    }
    const { judged, problem } = judge(input.wanted, (key) => assumed.get(key))
    if (problem !== null) return refuse(problem.reason)
    const foreseen = [...judged].every(
      ([key, { verb }]) =>
        verb !== 'replace' || input.replacing?.[key] === assumed.get(key)?.version,
    )
    if (!foreseen) return refuse(moved_meanwhile)
    const at: Situation = {
      judged,
      dependents: dependentsOf(input.wanted),
      needers: input.needers,
      versionOf: (key) => assumed.get(key)?.version ?? 0,
    }
    return input.wanted.flatMap((item) => draftsOf(at, item))
  },
})
