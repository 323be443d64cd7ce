/** One resource, one intent, one decision, as the page tells them. */
import type { Json } from '../../domain/json.ts'
import type { IntentRow } from '../../domain/web-ports.ts'
import type {
  DecisionRow,
  DecisionStory,
  DriftRow,
  EntryRow,
  IntentStory,
  PremiseRow,
  ResourceDetail,
  ResourceKey,
  ResourceStory,
} from '../../domain/web-story-ports.ts'
import type { TransactionSql } from '../connect.ts'
import {
  entryColumns,
  intentColumns,
  readAttempts,
  readEntry,
  readRulings,
  readWaits,
} from './log.ts'
import { readDoubts } from './parked.ts'
import { takenAt } from './session.ts'

/** Newest versions that are told. */
const entries_max = 25
const facts_max = 200

const readResource = (tx: TransactionSql, key: ResourceKey) => tx<ResourceDetail[]>`
  select
    r.scope,
    r.kind,
    r.name,
    r.labels,
    r.version,
    r.in_sync,
    r.condition,
    r.reason,
    r.since,
    r.desired,
    r.assumed,
    r.observed,
    r.observed_at,
    r.external_id,
    r.outputs
  from foreword.resource r
  where r.scope = ${key.scope} and r.kind = ${key.kind} and r.name = ${key.name}`

const readVersions = (tx: TransactionSql, key: ResourceKey) => tx<EntryRow[]>`
  select ${entryColumns(tx)}
  from foreword.entry e
  join foreword.decision d on d.id = e.decision_id
  where e.scope = ${key.scope} and e.kind = ${key.kind} and e.name = ${key.name}
  order by e.version desc
  limit ${entries_max}`

const readDrifts = (tx: TransactionSql, key: ResourceKey) => tx<DriftRow[]>`
  select h.path, h.assumed, h.observed, h.since, h.resolved_at
  from foreword.drift_history h
  where h.scope = ${key.scope} and h.kind = ${key.kind} and h.name = ${key.name}
  order by h.since desc
  limit 40`

export const readResourceStory = async (
  tx: TransactionSql,
  key: ResourceKey,
): Promise<ResourceStory | null> => {
  const [taken_at, [resource], entries, drifts] = await Promise.all([
    takenAt(tx),
    readResource(tx, key),
    readVersions(tx, key),
    readDrifts(tx, key),
  ])
  if (resource === undefined) return null
  const intents = entries.filter((entry) => entry.cause === 'intent')
  const ids = intents.map((entry) => entry.id)
  const open = intents.filter((entry) => entry.settled_at === null).map((entry) => entry.id)
  const [attempts, rulings, waits] = await Promise.all([
    readAttempts(tx, ids),
    readRulings(tx, ids),
    readWaits(tx, open),
  ])
  return { taken_at, resource, entries, attempts, rulings, drifts, waits }
}

interface Place {
  readonly state: string
  readonly reason: string | null
  readonly due_at: Date | null
  readonly worker: number | null
  readonly state_before: Json
}

/** How it stands, in the words of the view: also what its account makes it wait for. */
const readPlace = (tx: TransactionSql, { id, version, ...key }: EntryRow) => tx<Place[]>`
  select
    i.state,
    i.reason,
    i.due_at,
    i.worker,
    (
      select b.state_after
      from foreword.entry b
      where
        b.scope = ${key.scope}
        and b.kind = ${key.kind}
        and b.name = ${key.name}
        and b.version = ${version - 1}
    ) as state_before
  from foreword.intent i
  where i.id = ${id}`

export const readIntentStory = async (
  tx: TransactionSql,
  id: number,
): Promise<IntentStory | null> => {
  const [taken_at, entry] = await Promise.all([takenAt(tx), readEntry(tx, id)])
  if (entry === undefined) return null
  const [[place], attempts, rulings, waits, doubts] = await Promise.all([
    readPlace(tx, entry),
    readAttempts(tx, [id]),
    readRulings(tx, [id]),
    readWaits(tx, entry.settled_at === null ? [id] : []),
    entry.state === 'in_doubt' ? readDoubts(tx, { only: id, at_most: 1 }) : [],
  ])
  const { state_before = null, ...now } = place ?? { due_at: null, worker: null }
  return {
    taken_at,
    intent: { ...entry, ...now },
    state_before,
    attempts,
    rulings,
    waits,
    doubt: doubts[0] ?? null,
  }
}

const readPremises = (tx: TransactionSql, id: string) => tx<PremiseRow[]>`
  select p.scope, p.kind, p.name, p.version, p.predicate, p.holds
  from foreword.premise p
  where p.decision_id = ${id}
  limit ${facts_max}`

const readIntents = (tx: TransactionSql, id: string) => tx<IntentRow[]>`
  select ${intentColumns(tx)}
  from foreword.intent i
  where i.decision_id = ${id}
  order by i.id
  limit ${facts_max}`

export const readDecisionStory = async (
  tx: TransactionSql,
  id: string,
): Promise<DecisionStory | null> => {
  const [taken_at, [decision], premises, intents] = await Promise.all([
    takenAt(tx),
    tx<DecisionRow[]>`
      select
        d.id,
        d.scope,
        d.decider,
        d.decider_version,
        d.actor,
        d.reason,
        d.decided_at,
        d.intents,
        d.premises,
        d.tries,
        d.certified,
        d.input,
        d.compensation,
        d.decided_again,
        d.instead_of
      from foreword.decision d
      where d.id = ${id}`,
    readPremises(tx, id),
    readIntents(tx, id),
  ])
  return decision === undefined ? null : { taken_at, decision, premises, intents }
}
