/** What travels to Postgres while deciding: reads in one flight with BEGIN, the write in one with COMMIT. */
import postgres from 'postgres'
import type { Json } from '../domain/json.ts'
import type { ReadPlan, Readings, StateRow, Tried, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import { conflict_sqlstates } from '../domain/retry-policy.ts'
import { codeOf, type Reserved } from './connect.ts'
import { jsonb } from './jsonb.ts'

export type Row = Record<string, unknown>
export type Flight = readonly Promise<readonly Row[]>[]

/** A decision about to be written, under the id that its client gave it. */
export interface Write {
  readonly id: string
  readonly plan: WritePlan
}

/** Slots of names never seen are made first; a process remembers which it has made. */
export interface Slots {
  readonly unseen: (plan: ReadPlan) => ReadPlan | null
  readonly made: (plan: ReadPlan) => void
}

/** Waits for every query of a flight; throws the first real error, not the 25P02s that follow it. */
export const land = async (flight: Flight): Promise<readonly (readonly Row[])[]> => {
  const landed = await Promise.allSettled(flight)
  const errors = landed.flatMap((l) => (l.status === 'rejected' ? [l.reason as unknown] : []))
  const first = errors.find((e) => codeOf(e) !== '25P02') ?? errors[0]
  if (first instanceof Error) throw first
  if (first !== undefined) throw new Error('a query failed', { cause: first })
  return landed.flatMap((l) => (l.status === 'fulfilled' ? [l.value] : []))
}

const idsOf = (plan: ReadPlan): readonly string[] =>
  plan.resources.map((r) => resourceId(r.scope, r.kind, r.name))

/**
 * Every read of a plan, sent without waiting: all resources by key at once, each predicate, each
 * counter. `held`: rows are locked as they are read, so that whoever has lost before cannot be
 * overtaken between its reads and its write by those who try for the first time.
 */
const sendReads = (tx: Reserved, plan: ReadPlan, held = false): Flight => {
  const ids = idsOf(plan)
  const order = held ? tx`order by s.resource for update` : tx``
  const states = tx`
    select s.resource, '' as name, s.version, s.assumed, s.labels
    from foreword_private.resource_state s
    where s.resource = any (${[...new Set(ids)]}::uuid[])
    ${order}`
  const finds = plan.finds.map((f) => {
    const [label, value] = Object.entries(f.labels)[0] ?? ['', '']
    return tx`
      select m.resource, m.name, s.version, s.assumed, s.labels
      from foreword_private.member m
      join foreword_private.resource_state s on s.resource = m.resource
      where m.scope = ${f.scope} and m.kind = ${f.kind} and m.label = ${label} and m.value = ${value}
      limit ${f.max + 1}`
  })
  const counters = plan.counters.map(
    (c) => tx`
      select q.consumed, q.version
      from foreword_private.quota q
      where q.scope = ${c.scope} and q.metric = ${c.metric}
      ${held ? tx`for update` : tx``}`,
  )
  return [...(ids.length === 0 ? [] : [states]), ...finds, ...counters].map((q) => q.execute())
}

/** The answers of `sendReads`, in the order of the plan. */
const readingsOf = (plan: ReadPlan, answers: readonly (readonly Row[])[]): Readings => {
  const rest = [...answers] as unknown as (readonly StateRow[])[]
  const states = plan.resources.length === 0 ? [] : (rest.shift() ?? [])
  const finds = rest.splice(0, plan.finds.length)
  const counters = rest as unknown as (readonly { consumed: number; version: number }[])[]
  return {
    states: new Map(states.map((s) => [s.resource, s])),
    finds,
    counters: counters.map((c) => c[0] ?? { consumed: 0, version: 0 }),
  }
}

export const sendPrepare = (tx: Reserved, plan: ReadPlan) =>
  tx`
    select foreword_code.prepare(
      ${plan.resources.map((r) => r.scope)}::text[],
      ${plan.resources.map((r) => r.kind)}::text[],
      ${plan.resources.map((r) => r.name)}::text[],
      ${plan.counters.map((c) => c.scope)}::text[],
      ${plan.counters.map((c) => c.metric)}::text[]
    )`.execute()

const sendBegin = (tx: Reserved, read_only: boolean) =>
  read_only
    ? tx`begin isolation level serializable read only`.execute()
    : tx`begin isolation level serializable`.execute()

/** What was asked for and has no row yet, not even one that says "absent"; null: nothing. */
const unnamed = (
  plan: ReadPlan,
  readings: Readings,
  answers: readonly (readonly Row[])[],
): ReadPlan | null => {
  const resources = plan.resources.filter(
    (r) => !readings.states.has(resourceId(r.scope, r.kind, r.name)),
  )
  const first_counter = answers.length - plan.counters.length
  const counters = plan.counters.filter((_, i) => answers[first_counter + i]?.length === 0)
  return resources.length + counters.length === 0 ? null : { resources, counters, finds: [] }
}

/**
 * BEGIN and all reads in one flight. Names never seen have no slot whose absence could be read: they
 * get one, outside of the transaction, and it begins again. Known names, nearly all, pay nothing.
 */
export const readFlight = async (
  tx: Reserved,
  plan: ReadPlan,
  slots: Slots,
  options: {
    readonly before?: Flight
    readonly held?: boolean
    readonly read_only?: boolean
  } = {},
): Promise<Readings> => {
  const { before = [], held = false, read_only = false } = options
  const read = async (head: Flight): Promise<readonly (readonly Row[])[]> =>
    (await land([...head, sendBegin(tx, read_only), ...sendReads(tx, plan, held)])).slice(
      head.length + 1,
    )
  const answers = await read(before)
  const readings = readingsOf(plan, answers)
  const missing = read_only ? null : unnamed(plan, readings, answers)
  if (missing !== null) {
    const again = await read([tx`rollback`.execute(), sendPrepare(tx, missing)])
    slots.made(plan)
    return readingsOf(plan, again)
  }
  slots.made(plan)
  return readings
}

/** The names that a decision writes, read or not. */
export const writtenNames = (write: WritePlan): ReadPlan => ({
  resources: write.changes.flatMap((c) => [c, ...c.needs]),
  counters: write.changes.flatMap((c) =>
    Object.keys(c.counters ?? {}).map((metric) => ({ scope: c.scope, metric })),
  ),
  finds: [],
})

const decisionJson = ({ id, plan }: Write): Json => ({
  ...plan.head,
  id,
  premise_resources: plan.premises.map((p) => p.resource),
  premise_versions: plan.premises.map((p) => p.version),
  predicates: plan.predicates,
  counters: plan.counters,
})

const changesJson = ({ id, plan }: Write): readonly Json[] =>
  plan.changes.map((c) => ({
    decision: id,
    cause: plan.cause,
    resource: resourceId(c.scope, c.kind, c.name),
    scope: c.scope,
    kind: c.kind,
    name: c.name,
    verb: c.verb,
    state: c.state,
    labels: c.labels,
    counters: c.counters,
    needs: c.needs.map((n) => resourceId(n.scope, n.kind, n.name)),
    initial: c.initial,
  }))

/** Any number of decisions in one call. */
export const sendWrites = (tx: Reserved, writes: readonly Write[]) =>
  tx`
    select w.decision, w.id, w.resource, w.version
    from foreword_code.record(
      ${jsonb(tx, writes.map(decisionJson))},
      ${jsonb(tx, writes.flatMap(changesJson))},
      ${jsonb(
        tx,
        writes.flatMap((w) => w.plan.acted),
      )}
    ) w`.execute()

/** COMMIT of a failed transaction answers ROLLBACK without an error: the tag decides. */
export const sendCommit = async (tx: Reserved): Promise<readonly Row[]> => {
  const answer = await tx`commit`.execute()
  if (answer.command !== 'COMMIT') throw new Error(`COMMIT answered ${answer.command}`)
  return answer
}

export const rollback = async (tx: Reserved): Promise<void> => {
  await tx`rollback`.catch(() => undefined)
}

/** Error of a try to a verdict; what is neither a conflict nor a refusal is a bug or an outage, and is thrown. */
export const triedOf = (error: unknown): Tried => {
  const sqlstate = error instanceof postgres.PostgresError ? error.code : ''
  if (conflict_sqlstates.has(sqlstate)) return { type: 'conflict', sqlstate, id_spent: false }
  if (error instanceof postgres.PostgresError && /^(FW|22|23|54)/.test(sqlstate)) {
    const remedy = error.hint ?? 'Mend the decider.'
    return { type: 'invalid', sqlstate, reason: error.message, remedy }
  }
  throw error
}

const lost_codes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'ECONNRESET',
  'EPIPE',
])

export const isConnectionLoss = (error: unknown): boolean => lost_codes.has(codeOf(error))
