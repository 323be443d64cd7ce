/** Decisions as the text of the statement that records them. */
import type { Json } from '../domain/json.ts'
import type { Change, ReadPlan, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'

/** A decision about to be written, under the id that its client gave it. */
export interface Write {
  readonly id: string
  readonly plan: WritePlan
  /** Decisions of a later layer move on from versions that an earlier one writes. */
  readonly layer?: number
}

/**
 * A text as a literal of SQL. Right only while standard_conforming_strings is on, when a backslash is a
 * backslash and a quote is doubled: sessions of deciders are begun with it, see `decider_settings`. NUL
 * would end the message; JSON writes it as an escape.
 */
export const literal = (text: string): string => {
  if (text.includes('\0')) throw new Error('NUL in a statement')
  return `'${text.replaceAll("'", "''")}'`
}

const decisionJson = ({ id, plan }: Write): Json => ({
  ...plan.head,
  id,
  premise_resources: plan.premises.map((p) => p.resource),
  premise_versions: plan.premises.map((p) => p.version),
  predicates: plan.predicates,
  counters: plan.counters,
  ...(plan.cause === 'intent' ? {} : { facts: true }),
})

const changesJson = ({ id, plan }: Write) =>
  plan.changes.map((c, position) => ({
    decision: id,
    position,
    cause: plan.cause,
    resource: resourceId(c.scope, c.kind, c.name),
    scope: c.scope,
    kind: c.kind,
    name: c.name,
    verb: c.verb,
    state: c.state,
    labels: c.labels,
    counters: c.counters,
    needs: c.needs.length === 0 ? null : c.needs.map((n) => resourceId(n.scope, n.kind, n.name)),
    initial: c.initial,
  }))

/** Neither creates nor deletes, labels, counts or needs: predicates and counters have nothing to do with it. */
const isPlain = (c: Change): boolean =>
  c.verb !== 'create' &&
  c.state !== null &&
  c.labels === null &&
  c.counters === null &&
  c.needs.length === 0

/**
 * Any number of decisions in one call. Resources in the order of their ids: all who lock several do it
 * in this order, so that two transactions never wait for each other.
 */
const recordCall = (writes: readonly Write[]): string => {
  const acted = writes.flatMap((w) => w.plan.acted)
  const plain = writes.every((w) => w.plan.cause === 'intent' && w.plan.changes.every(isPlain))
  const changes = writes.flatMap(changesJson).toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
  const json = (values: readonly unknown[]): string => literal(JSON.stringify(values))
  return `select w.decision, w.id, w.resource, w.version from foreword_code.record(${[
    json(writes.map(decisionJson)),
    json(changes),
    acted.length === 0 ? 'null' : json(acted),
    String(plain),
  ].join(', ')}) w`
}

/** The statements that write decisions, a call for each layer of them: see group-members.ts. */
export const recordTexts = (writes: readonly Write[]): readonly string[] => {
  const layers = Map.groupBy(writes, (w) => w.layer ?? 0)
  return [...layers].toSorted(([a], [b]) => a - b).map(([, layer]) => recordCall(layer))
}

/** The names that a decision writes, read or not. */
export const writtenNames = (write: WritePlan): ReadPlan => ({
  resources: write.changes.flatMap((c) => [c, ...c.needs]),
  counters: write.changes.flatMap((c) =>
    Object.keys(c.counters ?? {}).map((metric) => ({ scope: c.scope, metric })),
  ),
  finds: [],
})
