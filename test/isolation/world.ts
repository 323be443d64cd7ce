/**
 * The assumed world of one scope as a pure model: what a read answers, what intents change. The
 * database is held against it, so it shares nothing with the code that it judges but the types.
 */
import * as E from 'fp-ts/lib/Either.js'
import {
  queries,
  verdictOf,
  type AnyDecider,
  type Assumed,
  type Counters,
  type IntentDraft,
  type Labels,
  type Query,
  type Reads,
} from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'

export interface Held {
  readonly version: number
  /** Null: assumed absent. */
  readonly state: Json
  readonly labels: Labels
  /** A resource that goes keeps its share until its deletion is confirmed. */
  readonly counters: Counters
  /** Versions of others that its newest entry comes after. */
  readonly after: Readonly<Record<string, number>>
}

/** By `kind/name`. */
export type World = ReadonlyMap<string, Held>
export type Facts = Readonly<Record<string, unknown>>

export const emptyWorld: World = new Map()

const keyOf = (at: { readonly kind: string; readonly name: string }): string =>
  `${at.kind}/${at.name}`

export const consumedIn = (world: World, metric: string): number =>
  [...world.values()].reduce((sum, held) => sum + (held.counters[metric] ?? 0), 0)

const assumedIn = (world: World, scope: string, kind: string, name: string): Assumed | null => {
  const held = world.get(keyOf({ kind, name }))
  if (held === undefined || held.state === null) return null
  return { scope, kind, name, version: held.version, state: held.state, labels: held.labels }
}

const answerIn = (world: World, scope: string, query: Query<unknown>): unknown => {
  switch (query.type) {
    case 'get':
      return assumedIn(world, scope, query.kind, query.name)
    case 'get_all':
      return query.names.map((name) => assumedIn(world, scope, query.kind, name))
    case 'find': {
      const wanted = Object.entries(query.labels)
      const prefix = `${query.kind}/`
      return [...world.entries()]
        .filter(([key, held]) => key.startsWith(prefix) && held.state !== null)
        .filter(([, held]) => wanted.every(([label, value]) => held.labels[label] === value))
        .map(([key]) => assumedIn(world, scope, query.kind, key.slice(prefix.length)))
        .toSorted((a, b) => ((a?.name ?? '') < (b?.name ?? '') ? -1 : 1))
    }
    case 'counter':
      return consumedIn(world, query.metric)
  }
}

/** What a decider would see of a world. */
export const factsIn = (world: World, scope: string, decider: AnyDecider): Facts => {
  const reads = decider.read(queries, undefined) as Reads
  return Object.fromEntries(
    Object.entries(reads).map(([fact, query]) => [fact, answerIn(world, scope, query)]),
  )
}

/** What a decider intends on facts; nothing, where it refuses. */
export const draftsOn = (
  facts: Facts,
  scope: string,
  decider: AnyDecider,
): readonly IntentDraft[] => {
  const context = { scope, now: new Date(0), thought: undefined }
  const verdict = verdictOf(decider.decide(facts, undefined, context))
  if (verdict === null) throw new Error(`${decider.name} decided nonsense`)
  return E.isLeft(verdict) ? [] : verdict.right
}

/** The world after a decision; null: no such decision can be recorded in it. */
export const worldAfter = (world: World, drafts: readonly IntentDraft[]): World | null => {
  const next = new Map(world)
  for (const draft of drafts) {
    const held = world.get(keyOf(draft))
    if ((draft.verb === 'create') !== ((held?.state ?? null) === null)) return null
    next.set(keyOf(draft), {
      version: (held?.version ?? 0) + 1,
      state: draft.state,
      labels: draft.state === null ? {} : (draft.labels ?? held?.labels ?? {}),
      counters: draft.counters ?? held?.counters ?? {},
      after: {},
    })
  }
  for (const draft of drafts) {
    const moved = next.get(keyOf(draft))
    if (moved === undefined) continue
    const after = (draft.needs ?? []).flatMap((need) => {
      const version = next.get(need)?.version ?? 0
      return version > 0 ? [[need, version] as const] : []
    })
    next.set(keyOf(draft), { ...moved, after: Object.fromEntries(after) })
  }
  return next
}
