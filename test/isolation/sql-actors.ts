/** Actors that know nothing but SQL: the functions that a client in any language calls. */
import { newDecisionId } from '../../src/domain/decision-id.ts'
import {
  queries,
  type Assumed,
  type IntentDraft,
  type Labels,
  type Query,
  type Reads,
} from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { codeOf, type Reserved, type Sql } from '../../src/store/connect.ts'
import { rollback, sendCommit } from '../../src/store/flights.ts'
import { jsonb } from '../../src/store/jsonb.ts'
import type { Ended } from './oracle.ts'
import type { Player, Stage } from './schedule.ts'
import type { Session } from './sessions.ts'
import type { Actor } from './spec.ts'
import { draftsOn, type Facts } from './world.ts'

/** Whether the database has these functions. */
export const hasSqlFunctions = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<{ there: boolean }[]>`
    select bool_and(to_regproc(f) is not null) as there
    from unnest(
      '{foreword.assume, foreword.find, foreword.counter, foreword.intend, foreword.decide}'::text[]
    ) as f`
  return row?.there === true
}

interface Row {
  readonly name: string
  readonly version: number
  readonly state: Json
  readonly labels: Labels
}

const assume = async (
  tx: Reserved,
  scope: string,
  kind: string,
  name: string,
): Promise<Assumed | null> => {
  const [row] = await tx<Omit<Row, 'name'>[]>`
    select version, state, labels from foreword.assume(${scope}, ${kind}, ${name})`
  return row === undefined || row.state === null
    ? null
    : { scope, kind, name, version: row.version, state: row.state, labels: row.labels }
}

const find = async (
  tx: Reserved,
  scope: string,
  kind: string,
  labels: Labels,
): Promise<readonly Assumed[]> => {
  const wanted = Object.entries(labels)
  const [label, value] = wanted[0] ?? [null, null]
  const rows = await tx<Row[]>`
    select name, version, state, labels
    from foreword.find(${scope}, ${kind}, ${label}, ${value})`
  return rows
    .filter((row) => wanted.every(([key, is]) => row.labels[key] === is))
    .map((row) => ({ scope, kind, ...row }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const ask = async (tx: Reserved, scope: string, query: Query<unknown>): Promise<unknown> => {
  switch (query.type) {
    case 'get':
      return assume(tx, scope, query.kind, query.name)
    case 'get_all': {
      const all: (Assumed | null)[] = []
      for (const name of query.names) all.push(await assume(tx, scope, query.kind, name))
      return all
    }
    case 'find':
      return find(tx, scope, query.kind, query.labels)
    case 'counter': {
      const [row] = await tx<{ consumed: number }[]>`
        select foreword.counter(${scope}, ${query.metric}) as consumed`
      return row?.consumed ?? 0
    }
  }
}

const intend = async (tx: Reserved, scope: string, draft: IntentDraft): Promise<void> => {
  const { kind, name, verb, state } = draft
  const options = {
    ...(draft.labels === undefined ? {} : { labels: draft.labels }),
    ...(draft.counters === undefined ? {} : { counters: draft.counters }),
    ...(draft.needs === undefined ? {} : { needs: draft.needs }),
  }
  await tx`
    select foreword.intend(
      ${scope}, ${kind}, ${name}, ${verb},
      ${state === null ? null : jsonb(tx, state)}::jsonb, ${jsonb(tx, options)}
    )`
}

const readAll = async (tx: Reserved, actor: Actor, scope: string): Promise<Facts> => {
  if (actor.does === 'previews') await tx`begin isolation level serializable read only`
  else await tx`begin isolation level serializable`
  const reads = actor.decider.read(queries, undefined) as Reads
  const facts: Record<string, unknown> = {}
  for (const [fact, query] of Object.entries(reads)) facts[fact] = await ask(tx, scope, query)
  return facts
}

const inSteps = async (
  { tx }: Session,
  actor: Actor,
  scope: string,
  stage: Stage,
): Promise<Ended> => {
  await stage.pass(0)
  const facts = await readAll(tx, actor, scope)
  await stage.pass(1)
  const drafts = draftsOn(facts, scope, actor.decider)
  if (drafts.length > 0) {
    for (const draft of drafts) await intend(tx, scope, draft)
    await tx`
      select foreword.decide(${actor.decider.name}, ${''}, ${newDecisionId(Date.now())}::uuid)`
  }
  if (actor.does === 'decides' || actor.does === 'rolls back') await stage.pass(2)
  if (actor.does === 'rolls back') {
    await rollback(tx)
    return { type: 'aborted', sqlstate: 'its own' }
  }
  await sendCommit(tx)
  return { type: 'committed', facts }
}

/** Somebody was first: begin again. 23505: also in naming what nobody had named. */
const conflicts: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '23505'])

const play = async (
  session: Session,
  actor: Actor,
  scope: string,
  stage: Stage,
): Promise<Ended> => {
  try {
    return await inSteps(session, actor, scope, stage)
  } catch (error) {
    await rollback(session.tx)
    const sqlstate = codeOf(error)
    if (conflicts.has(sqlstate)) return { type: 'aborted', sqlstate }
    if (!sqlstate.startsWith('FW')) throw error
    return { type: 'invalid', sqlstate, reason: error instanceof Error ? error.message : '' }
  }
}

/** An actor of SQL alone. */
export const sqlActor = (session: Session, actor: Actor, scope: string): Player<Ended> => ({
  pid: session.pid,
  play: (stage) => play(session, actor, scope, stage),
})
