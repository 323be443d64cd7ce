/**
 * One try at a serializable transaction in two flights: BEGIN and all reads, then the write and
 * COMMIT. Nothing waits inside it but the network: an open writing transaction poisons everyone's
 * conflict detection. Retrying is the caller's: a try either committed, or left nothing.
 */
import { createHash } from 'node:crypto'
import postgres from 'postgres'
import type { ReadPlan, Readings, StateRow, Tried, Try, WritePlan } from '../domain/ports.ts'
import type { Json } from '../domain/json.ts'
import { resourceId } from '../domain/resource-id.ts'
import { conflict_sqlstates } from '../domain/retry-policy.ts'
import type { Reserved, Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'
import { commitOutcome } from './tombstone.ts'

type Row = Record<string, unknown>
type Flight = readonly Promise<readonly Row[]>[]

/** Waits for every query of a flight; throws the first real error, not the 25P02s that follow it. */
const land = async (flight: Flight): Promise<readonly (readonly Row[])[]> => {
  const landed = await Promise.allSettled(flight)
  const errors = landed.flatMap((l) => (l.status === 'rejected' ? [l.reason as unknown] : []))
  const first = errors.find((e) => sqlstateOf(e) !== '25P02') ?? errors[0]
  if (first instanceof Error) throw first
  if (first !== undefined) throw new Error('a query failed', { cause: first })
  return landed.flatMap((l) => (l.status === 'fulfilled' ? [l.value] : []))
}

const sqlstateOf = (error: unknown): string =>
  error instanceof postgres.PostgresError ? error.code : ''

/** Session advisory locks on what is read, taken before BEGIN: inside, the snapshot would be fixed already. */
const lockKeys = (plan: ReadPlan): readonly string[] => {
  const names = [
    ...plan.resources.map((r) => resourceId(r.scope, r.kind, r.name)),
    ...plan.finds.map((f) => JSON.stringify([f.scope, f.kind, f.labels])),
    ...plan.counters.map((c) => JSON.stringify([c.scope, c.metric])),
  ]
  const keys = names.map((name) =>
    createHash('sha256').update(name).digest().readBigInt64BE(0).toString(),
  )
  return [...new Set(keys)].sort().slice(0, 64)
}

/** Every read as one query each, sent without waiting. */
const sendReads = (tx: Reserved, plan: ReadPlan): Promise<readonly Row[]>[] => {
  const ids = plan.resources.map((r) => resourceId(r.scope, r.kind, r.name))
  const states = tx`
    select s.resource, '' as name, s.version, s.assumed, s.labels
    from foreword_private.resource_state s
    where s.resource = any (${ids}::uuid[])`
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
      where q.scope = ${c.scope} and q.metric = ${c.metric}`,
  )
  return [...(ids.length === 0 ? [] : [states]), ...finds, ...counters].map((q) => q.execute())
}

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

const changesJson = (write: WritePlan): Json =>
  write.changes.map((c) => ({
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

const sendWrite = (tx: Reserved, id: string, write: WritePlan) =>
  tx`
    select w.id, w.resource, w.version
    from foreword_code.record(
      ${id}::uuid,
      ${jsonb(tx, write.head)},
      ${write.premises.map((p) => p.resource)}::uuid[],
      ${write.premises.map((p) => String(p.version))}::bigint[],
      ${jsonb(tx, write.predicates)},
      ${jsonb(tx, write.counters)},
      ${write.cause},
      ${jsonb(tx, changesJson(write))},
      ${jsonb(tx, write.acted)}
    ) w`.execute()

/** Error of a try to a verdict; what is neither a conflict nor a refusal is a bug or an outage, and is thrown. */
const triedOf = (error: unknown): Tried => {
  const sqlstate = sqlstateOf(error)
  if (conflict_sqlstates.has(sqlstate)) return { type: 'conflict', sqlstate, id_spent: false }
  if (error instanceof postgres.PostgresError && /^(FW|22|23|54)/.test(sqlstate)) {
    return {
      type: 'invalid',
      sqlstate,
      reason: error.message,
      remedy: error.hint ?? 'Mend the decider.',
    }
  }
  throw error
}

const isConnectionLoss = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'ECONNRESET', 'EPIPE'].includes(
    String(error.code),
  )

/** Slots of names never seen are made first; a process remembers which it has made. */
export interface Slots {
  readonly unseen: (plan: ReadPlan) => ReadPlan | null
  readonly made: (plan: ReadPlan) => void
}

const sendPrepare = (tx: Reserved, plan: ReadPlan) =>
  tx`
    select foreword_code.prepare(
      ${plan.resources.map((r) => r.scope)}::text[],
      ${plan.resources.map((r) => r.kind)}::text[],
      ${plan.resources.map((r) => r.name)}::text[],
      ${plan.counters.map((c) => c.scope)}::text[],
      ${plan.counters.map((c) => c.metric)}::text[]
    )`.execute()

/** The reads in one flight with BEGIN, behind the line of those who want the same where asked. */
const readFlight = async (tx: Reserved, attempt: Try, slots: Slots): Promise<Readings> => {
  const unseen = attempt.read_only ? null : slots.unseen(attempt.plan)
  const before = unseen === null ? [] : [sendPrepare(tx, unseen)]
  const keys = attempt.in_line ? lockKeys(attempt.plan) : []
  const line =
    keys.length === 0
      ? []
      : [tx`select pg_advisory_lock(k) from unnest(${keys}::bigint[]) as k`.execute()]
  const begin = attempt.read_only
    ? tx`begin isolation level serializable read only`.execute()
    : tx`begin isolation level serializable`.execute()
  const head = [...before, ...line, begin] as Promise<readonly Row[]>[]
  const answers = await land([...head, ...sendReads(tx, attempt.plan)])
  if (unseen !== null) slots.made(unseen)
  return readingsOf(attempt.plan, answers.slice(head.length))
}

const rollback = async (tx: Reserved): Promise<void> => {
  await tx`rollback`.catch(() => undefined)
}

/** The names that a decision writes, read or not. */
const writtenNames = (write: WritePlan): ReadPlan => ({
  resources: write.changes.flatMap((c) => [c, ...c.needs]),
  counters: write.changes.flatMap((c) =>
    Object.keys(c.counters ?? {}).map((metric) => ({ scope: c.scope, metric })),
  ),
  finds: [],
})

/** Runs one try on a connection of its own. */
export const once = async (sql: Sql, slots: Slots, attempt: Try): Promise<Tried> => {
  const tx = await sql.reserve()
  let committing = false
  try {
    const readings = await readFlight(tx, attempt, slots)
    const write = attempt.decide(readings)
    if (write === null) {
      await tx`commit`
      return { type: 'unwritten' }
    }
    const unseen = slots.unseen(writtenNames(write))
    if (unseen !== null) {
      await rollback(tx)
      await sendPrepare(tx, unseen)
      slots.made(unseen)
      return { type: 'unprepared' }
    }
    committing = true
    const [entries] = await land([sendWrite(tx, attempt.id, write), commit(tx)])
    return {
      type: 'written',
      entries: (entries ?? []) as unknown as Extract<Tried, { type: 'written' }>['entries'],
    }
  } catch (error) {
    if (isConnectionLoss(error)) {
      if (!committing) return { type: 'conflict', sqlstate: '08006', id_spent: false }
      return await commitOutcome(sql, attempt.id)
    }
    await rollback(tx)
    return triedOf(error)
  } finally {
    if (attempt.in_line) await tx`select pg_advisory_unlock_all()`.catch(() => undefined)
    tx.release()
  }
}

/** COMMIT of a failed transaction answers ROLLBACK without an error: the tag decides. */
const commit = async (tx: Reserved): Promise<readonly Row[]> => {
  const answer = await tx`commit`.execute()
  if (answer.command !== 'COMMIT') throw new Error(`COMMIT answered ${answer.command}`)
  return answer
}
