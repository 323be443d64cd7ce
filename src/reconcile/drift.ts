/** Drift as serializable entries: whoever relied on the old belief aborts, and what was is put back. */
import {
  create,
  defineDecider,
  update,
  type Assumed,
  type IntentDraft,
  type Query,
} from '../domain/decider.ts'
import { resourceKey } from '../domain/reference.ts'
import type { Drifted } from './observe.ts'

interface DriftInput {
  readonly drifted: readonly (Pick<
    Drifted,
    'kind' | 'name' | 'version' | 'assumed' | 'labels' | 'observed'
  > & {
    /** Gone, and nobody will put it back: it consumes nothing any more. */
    readonly for_good: boolean
  })[]
}

const readDrifted = (input: DriftInput): Record<string, Query<readonly (Assumed | null)[]>> => {
  const kinds = new Map<string, string[]>()
  for (const { kind, name } of input.drifted) kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  return Object.fromEntries(
    [...kinds].map(([kind, names]) => [kind, { type: 'get_all' as const, kind, names }]),
  )
}

const found = (
  facts: Readonly<Record<string, readonly (Assumed | null)[]>>,
): ReadonlyMap<string, Assumed> =>
  new Map(
    Object.values(facts)
      .flat()
      .flatMap((a) => (a === null ? [] : [[resourceKey(a), a] as const])),
  )

/** What was seen becomes what is assumed, unless somebody has decided something since the look. */
export const believe = defineDecider({
  name: 'foreword/observe',
  version: 1,
  read: (_q, input: DriftInput) => readDrifted(input),
  decide: (facts, input: DriftInput) => {
    const assumed = found(facts)
    return input.drifted.flatMap((d): readonly IntentDraft[] =>
      assumed.get(resourceKey(d))?.version === d.version
        ? [
            {
              type: 'intent',
              kind: d.kind,
              name: d.name,
              verb: 'observe',
              state: d.observed,
              ...(d.for_good ? { counters: {} } : {}),
            },
          ]
        : [],
    )
  },
})

/** Puts back what was assumed before the drift, for resources that nobody wants by a stack. */
export const repair = defineDecider({
  name: 'foreword/repair',
  version: 1,
  read: (_q, input: DriftInput) => readDrifted(input),
  decide: (facts, input: DriftInput) => {
    const assumed = found(facts)
    return input.drifted.flatMap((d): readonly IntentDraft[] => {
      const now = assumed.get(resourceKey(d))
      if (d.observed === null) {
        return now === undefined ? [create(d.kind, d.name, d.assumed, { labels: d.labels })] : []
      }
      return now?.version === d.version + 1 ? [update(d.kind, d.name, d.assumed)] : []
    })
  },
})
