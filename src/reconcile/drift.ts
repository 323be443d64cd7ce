/** Drift as serializable entries: whoever relied on the old belief aborts, and what was is put back. */
import {
  create,
  defineDecider,
  update,
  type Assumed,
  type IntentDraft,
  type Labels,
  type Query,
} from '../domain/decider.ts'
import type { Json } from '../domain/json.ts'
import { resourceKey } from '../domain/reference.ts'

interface Named {
  readonly kind: string
  readonly name: string
}

interface Belief extends Named {
  /** The version that was assumed when it was looked at. */
  readonly version: number
  /** What is assumed from now on; null: that it is gone. */
  readonly state: Json
  /** It is wanted so from now on, and nobody puts it back. */
  readonly adopt: boolean
}

interface Repair extends Named {
  /** The version that the belief made: nobody has decided anything since. */
  readonly version: number
  readonly state: Json
  readonly labels: Labels
}

const readAll = (all: readonly Named[]): Record<string, Query<readonly (Assumed | null)[]>> => {
  const kinds = new Map<string, string[]>()
  for (const { kind, name } of all) kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  return Object.fromEntries(
    [...kinds].map(([kind, names]) => [
      kind,
      { type: 'get_all' as const, kind, names, absent: 'with_version' as const },
    ]),
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
  version: 2,
  read: (_q, input: { readonly beliefs: readonly Belief[] }) => readAll(input.beliefs),
  decide: (facts, input: { readonly beliefs: readonly Belief[] }) => {
    const assumed = found(facts)
    return input.beliefs.flatMap((b): readonly IntentDraft[] =>
      assumed.get(resourceKey(b))?.version === b.version
        ? [
            {
              type: 'intent',
              kind: b.kind,
              name: b.name,
              verb: b.adopt ? 'adopt' : 'observe',
              state: b.state,
              // Gone for good, it consumes nothing any more.
              ...(b.adopt && b.state === null ? { counters: {} } : {}),
            },
          ]
        : [],
    )
  },
})

/** Puts back what was assumed before the drift, where nobody has decided anything since. */
export const repair = defineDecider({
  name: 'foreword/repair',
  version: 2,
  // One that cannot be put back holds up none of the others.
  apart: true,
  read: (_q, input: { readonly repairs: readonly Repair[] }) => readAll(input.repairs),
  decide: (facts, input: { readonly repairs: readonly Repair[] }) => {
    const assumed = found(facts)
    return input.repairs.flatMap((r): readonly IntentDraft[] => {
      const now = assumed.get(resourceKey(r))
      if (now?.version !== r.version) return []
      return now.state === null
        ? [create(r.kind, r.name, r.state, { labels: r.labels })]
        : [update(r.kind, r.name, r.state)]
    })
  },
})
