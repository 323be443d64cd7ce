/**
 * What travels to Postgres while deciding: BEGIN and all reads in one flight, the write and COMMIT in
 * another. A flight is one message of the simple protocol and one answer: sent as a statement each, the
 * writes to sockets were half of a decider's CPU. Hence literals instead of parameters, see `literal`.
 */
import type { Labels } from '../domain/decider.ts'
import { failPoint } from '../domain/fail-point.ts'
import type { Json } from '../domain/json.ts'
import type { ReadPlan, Readings, WrittenEntry } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Reserved } from './connect.ts'
import { literal, recordTexts, type Write } from './record-text.ts'

/** Slots of names never seen are made first; a process remembers which it has made. */
export interface Slots {
  readonly unseen: (plan: ReadPlan) => ReadPlan | null
  readonly made: (plan: ReadPlan) => void
  /** What a plan names that is likely to have no slot yet: made before the first read. Null: nothing. */
  readonly foresee?: (plan: ReadPlan) => ReadPlan | null
  /** How many of the names that it had not seen turned out to have none. */
  readonly learn?: (unseen: ReadPlan, missing: number) => void
}

/** An entry as it was written, and whose it is. */
export interface WrittenRow extends WrittenEntry {
  readonly decision: string
}

interface Answers {
  readonly states: readonly [string, number, Json, Labels][] | null
  readonly finds: readonly (readonly [string, string, number, Json, Labels][])[]
  readonly counters: readonly ([number, number] | null)[]
}

/** Rows of an answer, and the tag of the last statement that was answered with it. */
interface Landed extends ReadonlyArray<Record<string, unknown>> {
  readonly command: string
}

/**
 * Sends one message. At the first error the rest of its statements is not executed. The driver begins a
 * new answer with each statement that returns rows: a COMMIT at the end only leaves its tag.
 */
const fly = (tx: Reserved, text: string): Promise<unknown> => tx.unsafe(text).simple()

/**
 * Every read of a plan in one call. `held`: rows are locked as they are read, so that whoever has
 * lost before cannot be overtaken between its reads and its write by those who try for the first time.
 */
const readText = (plan: ReadPlan, held: boolean): string => {
  const ids = new Set(plan.resources.map((r) => resourceId(r.scope, r.kind, r.name)))
  const finds = plan.finds.map(({ labels: _, ...find }) => find)
  const json = (asked: readonly unknown[]): string =>
    asked.length === 0 ? 'null' : literal(JSON.stringify(asked))
  return `select foreword_code.read('{${[...ids].join()}}', ${json(finds)}, ${json(plan.counters)}, ${held}) as answers`
}

const readingsOf = ({ states, finds, counters }: Answers): Readings => ({
  states: new Map(
    (states ?? []).map(([resource, version, assumed, labels]) => [
      resource,
      { resource, name: '', version, assumed, labels },
    ]),
  ),
  finds: finds.map((rows) =>
    rows.map(([resource, name, version, assumed, labels]) => ({
      resource,
      name,
      version,
      assumed,
      labels,
    })),
  ),
  counters: counters.map((c) => ({ consumed: c?.[0] ?? 0, version: c?.[1] ?? 0 })),
})

/** Makes the slots of names never seen. Outside of a transaction: a decision inserts no key that others read by. */
export const prepareSlots = async (tx: Reserved, plan: ReadPlan): Promise<void> => {
  await tx`
    select foreword_code.prepare(
      ${plan.resources.map((r) => r.scope)}::text[],
      ${plan.resources.map((r) => r.kind)}::text[],
      ${plan.resources.map((r) => r.name)}::text[],
      ${plan.counters.map((c) => c.scope)}::text[],
      ${plan.counters.map((c) => c.metric)}::text[]
    )`
}

/**
 * The same as a part of a flight, in a transaction of its own that waits for no disk: what comes to rely on a
 * slot is flushed after it, and a slot that is lost with nothing relying on it is made again.
 */
const prepareText = ({ resources, counters }: ReadPlan): string => {
  const texts = (values: readonly string[]): string =>
    values.length === 0 ? `'{}'` : `array[${values.map(literal).join()}]`
  const columns = [
    resources.map((r) => r.scope),
    resources.map((r) => r.kind),
    resources.map((r) => r.name),
    counters.map((c) => c.scope),
    counters.map((c) => c.metric),
  ]
  return [
    'begin isolation level read committed; set local synchronous_commit = off',
    `select foreword_code.prepare(${columns.map(texts).join()})`,
    'commit; ',
  ].join('; ')
}

/** What was asked for and has no row yet, not even one that says "absent"; null: nothing. */
const unnamed = (plan: ReadPlan, readings: Readings, answers: Answers): ReadPlan | null => {
  const resources = plan.resources.filter(
    (r) => !readings.states.has(resourceId(r.scope, r.kind, r.name)),
  )
  const counters = plan.counters.filter((_, i) => answers.counters[i] === null)
  return resources.length + counters.length === 0 ? null : { resources, counters, finds: [] }
}

const learnFrom = (slots: Slots, plan: ReadPlan, missing: ReadPlan | null): void => {
  const unseen = slots.learn === undefined ? null : slots.unseen(plan)
  if (unseen === null) return
  slots.learn?.(unseen, (missing?.resources.length ?? 0) + (missing?.counters.length ?? 0))
}

/**
 * BEGIN and all reads in one flight. Names never seen have no slot whose absence could be read: they
 * get one, outside of the transaction, and it begins again. Known names, nearly all, pay nothing; whoever
 * names new ones most of the time has them made before he reads, and does not begin twice.
 */
export const readFlight = async (
  tx: Reserved,
  plan: ReadPlan,
  slots: Slots,
  options: { readonly held?: boolean; readonly read_only?: boolean } = {},
): Promise<Readings> => {
  const { held = false, read_only = false } = options
  failPoint('before_read')
  const begin = `begin isolation level serializable${read_only ? ' read only' : ''}`
  const read = async (before = ''): Promise<Answers> => {
    const text = `${before}${begin}; ${readText(plan, held)}`
    const landed = (await fly(tx, text)) as readonly Landed[]
    return landed.at(-1)?.[0]?.['answers'] as Answers
  }
  const foreseen = read_only ? null : (slots.foresee?.(plan) ?? null)
  const answers = await read(foreseen === null ? '' : prepareText(foreseen))
  failPoint('after_read')
  const readings = readingsOf(answers)
  const missing = unnamed(plan, readings, answers)
  if (foreseen === null) learnFrom(slots, plan, missing)
  if (missing === null) slots.made(plan)
  // Who only reads makes no slots: nothing is written that would have to meet him.
  if (missing === null || read_only) return readings
  const again = await read(`rollback; ${prepareText(missing)}`)
  slots.made(plan)
  return readingsOf(again)
}

/** COMMIT of a failed transaction answers ROLLBACK without an error: the tag decides. */
const checkCommit = (answer: { readonly command: string } | undefined): void => {
  if (answer?.command !== 'COMMIT') throw new Error(`COMMIT answered ${answer?.command ?? ''}`)
}

/** One answer comes as it is, several as a list of them. */
const answersOf = (flown: unknown, statements: number): readonly Landed[] =>
  statements === 1 ? [flown as Landed] : (flown as readonly Landed[])

/** A statement answers with a row for each entry, that of a lone one with one value. */
const rowsOf = (answers: readonly Landed[]): readonly WrittenRow[] =>
  answers.flatMap((rows) => rows.map((row) => (row['written'] ?? row) as unknown as WrittenRow))

/** Any number of decisions and COMMIT in one flight: either all of them are durable, or none was written. */
export const writeFlight = async (
  tx: Reserved,
  writes: readonly Write[],
): Promise<readonly WrittenRow[]> => {
  const texts = recordTexts(writes)
  failPoint('before_commit')
  const answers = answersOf(await fly(tx, [...texts, 'commit'].join('; ')), texts.length)
  checkCommit(answers.at(-1))
  failPoint('after_commit')
  return rowsOf(answers)
}

/** The write without its COMMIT: for tests that look into a transaction between the two. */
export const sendWrites = async (
  tx: Reserved,
  writes: readonly Write[],
): Promise<readonly WrittenRow[]> => {
  const texts = recordTexts(writes)
  return rowsOf(answersOf(await fly(tx, texts.join('; ')), texts.length))
}

export const sendCommit = async (tx: Reserved): Promise<void> => {
  checkCommit(await tx.unsafe('commit').simple())
}

export const rollback = async (tx: Reserved): Promise<void> => {
  await tx.unsafe('rollback').catch(() => undefined)
}
