/** Decisions as the text of the statement that records them. */
import type { Json } from '../domain/json.ts'
import type { Change, ReadPlan, ResourceName, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'

type Replace = NonNullable<Change['replace']>

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

const idOf = (at: ResourceName): string => resourceId(at.scope, at.kind, at.name)

const replaceJson = (c: Change, { first_needs, first_initial, deposed }: Replace) => ({
  first_needs: first_needs.map(idOf),
  first_initial,
  ...(deposed === undefined
    ? {}
    : { deposed: { resource: idOf({ ...c, name: deposed }), name: deposed } }),
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
    needs: c.needs.length === 0 ? null : c.needs.map(idOf),
    initial: c.initial,
    ...(c.held_because === undefined ? {} : { reason: c.held_because }),
    ...(c.replace === undefined ? {} : replaceJson(c, c.replace)),
    ...(c.args === undefined ? {} : { args: c.args }),
  }))

/** Neither creates nor deletes, labels, counts or needs: predicates and counters have nothing to do with it. */
const isPlain = (c: Change): boolean =>
  c.verb !== 'create' &&
  c.replace === undefined &&
  c.state !== null &&
  c.labels === null &&
  c.counters === null &&
  c.args === undefined &&
  c.needs.length === 0

/**
 * Any number of decisions in one call. Resources in the order of their ids: all who lock several do it
 * in this order, so that two transactions never wait for each other.
 */
const recordCall = (writes: readonly Write[]): string => {
  const acted = writes.flatMap((w) => w.plan.acted)
  const plain = writes.every(
    ({ plan }) =>
      plan.cause === 'intent' && plan.head.instead_of === undefined && plan.changes.every(isPlain),
  )
  const changes = writes.flatMap(changesJson).toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
  const json = (values: readonly unknown[]): string => literal(JSON.stringify(values))
  return `select w.decision, w.id, w.resource, w.version from foreword_code.record(${[
    json(writes.map(decisionJson)),
    json(changes),
    acted.length === 0 ? 'null' : json(acted),
    String(plain),
  ].join(', ')}) w`
}

/** What a literal would change on its way: NUL ends a message, half a character becomes another one. JSON escapes them. */
const isSendable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** One plain intent of a decision that nobody shares a statement with: see record_one. */
const loneChange = ({ plan }: Write): Change | null => {
  const [change, ...others] = plan.changes
  if (change === undefined || others.length > 0) return null
  if (plan.cause !== 'intent' || plan.acted.length > 0 || !isPlain(change)) return null
  const { apart, compensation, instead_of, thought, traceparent } = plan.head
  if (apart ?? compensation ?? instead_of ?? thought ?? traceparent) return null
  const { scope, decider, actor, reason } = plan.head
  const { kind, name, verb } = change
  const texts = [scope, decider, actor, reason, change.scope, kind, name, verb]
  return texts.every(isSendable) ? change : null
}

const recordOneCall = ({ id, plan }: Write, change: Change): string => {
  const { head, premises } = plan
  const json = (value: unknown): string => literal(JSON.stringify(value))
  return `select foreword_code.record_one(${[
    literal(id),
    literal(head.scope),
    literal(head.decider),
    String(head.decider_version),
    literal(head.actor),
    literal(head.reason),
    head.input === null ? 'null' : json(head.input),
    String(head.tries),
    literal(head.saw_at),
    `'{${premises.map((p) => p.resource).join()}}'`,
    `'{${premises.map((p) => p.version).join()}}'`,
    json(plan.predicates),
    json(plan.counters),
    literal(resourceId(change.scope, change.kind, change.name)),
    literal(change.scope),
    literal(change.kind),
    literal(change.name),
    literal(change.verb),
    json(change.state),
    String(change.initial === 'awaiting_approval'),
  ].join(', ')}) as written`
}

/** The statements that write decisions, a call for each layer of them: see group-members.ts. */
export const recordTexts = (writes: readonly Write[]): readonly string[] => {
  const [first, ...others] = writes
  const lone = first === undefined || others.length > 0 ? null : loneChange(first)
  if (first !== undefined && lone !== null) return [recordOneCall(first, lone)]
  const layers = Map.groupBy(writes, (w) => w.layer ?? 0)
  return [...layers].toSorted(([a], [b]) => a - b).map(([, layer]) => recordCall(layer))
}

/** The names that a decision writes, read or not. */
export const writtenNames = (write: WritePlan): ReadPlan => ({
  resources: write.changes.flatMap((c) => [
    c,
    ...c.needs,
    ...(c.replace?.first_needs ?? []),
    ...(c.replace?.deposed === undefined ? [] : [{ ...c, name: c.replace.deposed }]),
  ]),
  counters: write.changes.flatMap((c) =>
    Object.keys(c.counters ?? {}).map((metric) => ({ scope: c.scope, metric })),
  ),
  finds: [],
})
