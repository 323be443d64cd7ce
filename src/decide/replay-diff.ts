/** Recorded intents against those that a decider comes to today, path by path. */
import { renderDiff, sameState, type Change as PathChange } from '../domain/diff.ts'
import type { Counters } from '../domain/decider.ts'
import type { Json } from '../domain/json.ts'
import type { Change, ResourceName } from '../domain/ports.ts'
import { resourceKey } from '../domain/reference.ts'
import type { RecordedDecision, RecordedIntent } from '../domain/replay-ports.ts'
import { resourceId } from '../domain/resource-id.ts'

export interface IntentDifference extends ResourceName {
  /** `more`: only today; `less`: only recorded; `other`: both, and not the same. */
  readonly change: 'more' | 'less' | 'other'
  readonly verb: string
  readonly paths: readonly PathChange[]
}

/** An intent in the words of both: what the resource is like after it. */
interface Intended {
  readonly verb: string
  readonly state: Json
  readonly labels: Json
  readonly counters: Json
  readonly needs: Json
}

const idOf = (at: ResourceName): string => resourceId(at.scope, at.kind, at.name)

/**
 * What a resource consumed before; a deletion that was seen meanwhile gives back without a version of its own,
 * so of what was absent either may be what was kept.
 */
const keptCounters = (change: Change, recorded: RecordedIntent): Counters => {
  if (change.verb === 'create' && sameState(recorded.counters, {})) return {}
  return recorded.counters_before
}

const intendedNow = (
  change: Change,
  recorded: RecordedIntent | undefined,
  isThere: (id: string) => boolean,
  nameOf: (id: string) => string,
): Intended => ({
  verb: change.verb,
  state: change.state,
  labels: change.state === null ? {} : (change.labels ?? recorded?.labels_before ?? {}),
  counters:
    change.counters ?? (recorded === undefined ? {} : { ...keptCounters(change, recorded) }),
  needs: change.needs.map(idOf).filter(isThere).map(nameOf).toSorted(),
})

const intendedThen = (intent: RecordedIntent, nameOf: (id: string) => string): Intended => ({
  verb: intent.verb,
  state: intent.state,
  labels: intent.labels,
  counters: intent.counters,
  needs: intent.needs.map(nameOf).toSorted(),
})

const pathsOf = (before: Intended, after: Intended): readonly PathChange[] => {
  const parts = ({ verb, labels, counters, needs }: Intended): Json => ({
    verb,
    labels,
    counters,
    needs,
  })
  return [
    ...renderDiff(before.state, after.state).map((c) => ({ ...c, path: c.path || 'state' })),
    ...renderDiff(parts(before), parts(after)),
  ]
}

/** What a whole intent is like, as paths of something that was not there. */
const wholeOf = (intended: Intended): readonly PathChange[] =>
  typeof intended.state === 'object' && intended.state !== null
    ? Object.entries(intended.state).map(([path, after]) => ({ path, after }))
    : []

/** Nothing where both intend the same. What is said nothing of stays as it was, in both. */
export const differencesOf = (
  decision: RecordedDecision,
  changes: readonly Change[],
): readonly IntentDifference[] => {
  const { premises, intents } = decision
  const names = new Map<string, string>()
  for (const at of [...premises, ...intents]) names.set(at.resource, resourceKey(at))
  for (const c of changes) for (const n of [c, ...c.needs]) names.set(idOf(n), resourceKey(n))
  const nameOf = (id: string): string => names.get(id) ?? id
  const absent = new Set(premises.filter((p) => p.version === 0).map((p) => p.resource))
  const moving = new Set(changes.map(idOf))
  const isThere = (id: string): boolean => moving.has(id) || !absent.has(id)
  const recorded = new Map(intents.map((intent) => [intent.resource, intent]))
  const found: IntentDifference[] = []
  for (const change of changes) {
    const { scope, kind, name, verb } = change
    const then = recorded.get(idOf(change))
    const now = intendedNow(change, then, isThere, nameOf)
    recorded.delete(idOf(change))
    if (then === undefined) {
      found.push({ scope, kind, name, change: 'more', verb, paths: wholeOf(now) })
      continue
    }
    const paths = pathsOf(intendedThen(then, nameOf), now)
    if (paths.length > 0) found.push({ scope, kind, name, change: 'other', verb, paths })
  }
  for (const { scope, kind, name, verb } of recorded.values()) {
    found.push({ scope, kind, name, change: 'less', verb, paths: [] })
  }
  return found
}
