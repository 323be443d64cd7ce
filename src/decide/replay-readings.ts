/** What a decision read, rebuilt from the log as the answers to whatever its decider asks today. */
import { createHash } from 'node:crypto'
import type { Labels } from '../domain/decider.ts'
import type { ReadPlan, Readings, ResourceName, StateRow } from '../domain/ports.ts'
import { resourceKey } from '../domain/reference.ts'
import type {
  RecordedDecision,
  RecordedPredicate,
  RecordedPremise,
} from '../domain/replay-ports.ts'
import { resourceId } from '../domain/resource-id.ts'

export interface Rebuilt {
  readonly readings: Readings
  /** What is asked today and was not read then. */
  readonly unread: readonly string[]
}

const nameOf = (at: ResourceName, scope: string): string =>
  `${resourceKey(at)}${at.scope === scope ? '' : ` in ${at.scope}`}`

/** `vm with role=web`, for people. */
const findName = (
  find: { readonly scope: string; readonly kind: string; readonly labels: Labels },
  scope: string,
): string => {
  const labels = Object.entries(find.labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}=${value}`)
  const asked = labels.length === 0 ? `all ${find.kind}` : `${find.kind} with ${labels.join(', ')}`
  return find.scope === scope ? asked : `${asked} in ${find.scope}`
}

const counterName = (c: { readonly scope: string; readonly metric: string }, scope: string) =>
  `counter ${c.metric}${c.scope === scope ? '' : ` in ${c.scope}`}`

const rowOf = ({ resource, name, version, assumed, labels }: RecordedPremise): StateRow => ({
  resource,
  name,
  version,
  assumed,
  labels,
})

interface Asked {
  readonly scope: string
  readonly kind: string
  readonly label: string
  readonly value: string
}

/** Everything that was found was read: it is among the premises, by its labels of then. */
const foundBy = (
  premises: readonly RecordedPremise[],
  { scope, kind, label, value }: Asked,
): readonly RecordedPremise[] =>
  premises.filter(
    (p) =>
      p.scope === scope &&
      p.kind === kind &&
      p.assumed !== null &&
      (label === '' || p.labels[label] === value),
  )

/** Whether who was found can be told: the same as were counted and digested when it was decided. */
const isWhole = (premises: readonly RecordedPremise[], predicate: RecordedPredicate): boolean => {
  const ids = foundBy(premises, predicate)
    .map((p) => p.resource)
    .toSorted()
  const digest = createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 32)
  return ids.length === predicate.found && digest === predicate.digest
}

/** Why what was read cannot be rebuilt; null: it can. */
export const missingOf = (decision: RecordedDecision): string | null => {
  const gone = decision.premises.find((p) => !p.there)
  if (gone !== undefined) return 'a version that it read is no longer in the log'
  const torn = decision.predicates.find((p) => !isWhole(decision.premises, p))
  return torn === undefined ? null : 'what its find() found cannot be told any more'
}

/** A predicate answers another one that is as narrow or narrower, and says so by a label of its own. */
const answers = (
  recorded: RecordedPredicate,
  asked: { readonly scope: string; readonly kind: string; readonly labels: Labels },
): boolean =>
  recorded.scope === asked.scope &&
  recorded.kind === asked.kind &&
  (recorded.label === '' || asked.labels[recorded.label] === recorded.value)

export const rebuild = (decision: RecordedDecision, plan: ReadPlan): Rebuilt => {
  const { premises, predicates, scope } = decision
  const byId = new Map(premises.map((p) => [p.resource, p]))
  const unread: string[] = []
  const states = new Map<string, StateRow>()
  for (const at of plan.resources) {
    const id = resourceId(at.scope, at.kind, at.name)
    const premise = byId.get(id)
    if (premise === undefined) unread.push(nameOf(at, scope))
    else states.set(id, rowOf(premise))
  }
  const finds = plan.finds.map((find) => {
    if (!predicates.some((p) => answers(p, find))) unread.push(findName(find, scope))
    return foundBy(premises, find).map(rowOf)
  })
  const counters = plan.counters.map((asked) => {
    const read = decision.counters.find((c) => c.scope === asked.scope && c.metric === asked.metric)
    if (read === undefined) unread.push(counterName(asked, scope))
    return { consumed: read?.consumed ?? 0, version: 0 }
  })
  return { readings: { states, finds, counters }, unread }
}

/**
 * What was read then and is not asked any more. What was needed or found is a premise as well: it is told
 * by the read that it came with.
 */
export const droppedOf = (
  decision: RecordedDecision,
  plan: ReadPlan,
  needed: ReadonlySet<string>,
): readonly string[] => {
  const { scope, premises, predicates } = decision
  const asked = new Set(plan.finds.map((f) => findName(f, scope)))
  const gone = predicates.filter((p) => !asked.has(findName(p, scope)))
  const explained = new Set([
    ...plan.resources.map((at) => resourceId(at.scope, at.kind, at.name)),
    ...[...plan.finds, ...gone].flatMap((f) => foundBy(premises, f).map((p) => p.resource)),
    ...needed,
  ])
  const counted = new Set(plan.counters.map((c) => counterName(c, scope)))
  return [
    ...premises.filter((p) => !explained.has(p.resource)).map((p) => nameOf(p, scope)),
    ...gone.map((p) => findName(p, scope)),
    ...decision.counters.map((c) => counterName(c, scope)).filter((name) => !counted.has(name)),
  ]
}
