/** The history of all decisions, in one pass over each table of the log, and what people call it. */
import type { LoadedHistory } from '../../domain/audit-ports.ts'
import type { HistoryNames } from '../../domain/history.ts'
import type { TransactionSql } from '../connect.ts'
import { copyRows } from './copy-rows.ts'
import { HistoryRows, type Predicate } from './history-rows.ts'

/** Texts only where there is something to read: most decisions ask for no predicate. */
const decisions = `
  select
    id,
    coalesce(xid, '0'),
    premise_resources,
    premise_versions,
    case when premise_counters <> '[]' then premise_counters::text end,
    case when premise_predicates <> '[]' then premise_predicates::text end,
    case when premise_predicates <> '[]' then snapshot end
  from foreword_private.decision
  where not abandoned and archive is null`

const entries = `
  select
    resource,
    version,
    decision,
    cause = 'intent' and state in ('stale', 'cancelled', 'rejected')`

const memberships = `,
    scope,
    kind,
    case when assumed is not null then labels::text end`

const counters = `
  select
    scope,
    metric,
    version,
    decision
  from foreword_private.quota_entry`

const keptResources = `
  select
    resource,
    kept_from
  from foreword_private.archived_resource`

const keptCounters = `
  select
    scope,
    metric,
    kept_from
  from foreword_private.archived_counter`

const namesOf = async (
  tx: TransactionSql,
  rows: HistoryRows,
  decision_numbers: readonly number[],
  keys: readonly number[],
): Promise<HistoryNames> => {
  const decision_ids = [...new Set(decision_numbers)].map((n) => rows.decisions.text(n))
  const resource_ids = [...new Set(keys)]
    .filter((key) => key < rows.resources.count)
    .map((key) => rows.resources.text(key))
  const deciders = await tx<{ id: string; decider: string }[]>`
    select id, decider
    from foreword_private.decision
    where id = any (${decision_ids}::uuid[])`
  const resources = await tx<{ id: string; name: string }[]>`
    select id, kind || '/' || name || ' in ' || scope as name
    from foreword_private.resource
    where id = any (${resource_ids}::uuid[])`
  const decider = new Map(deciders.map((row) => [row.id, row.decider]))
  const resource = new Map(resources.map((row) => [row.id, row.name]))
  return {
    decision: (number) => {
      const id = rows.decisions.text(number)
      return `${decider.get(id) ?? 'decision'} ${id}`
    },
    key: (key) => {
      const counter = rows.counters.things[key - rows.resources.count]
      if (counter !== undefined) return `counter ${counter.metric} in ${counter.scope}`
      const id = rows.resources.text(key)
      return resource.get(id) ?? `resource ${id}`
    },
    predicate: (number) => {
      const predicate = rows.predicates.things[number]
      return predicate === undefined ? '' : predicateName(predicate)
    },
  }
}

const predicateName = ({ scope, kind, label, value }: Predicate): string =>
  label === '' ? `${kind} in ${scope}` : `${kind} with ${label}=${value} in ${scope}`

export const loadHistory = async (tx: TransactionSql): Promise<LoadedHistory> => {
  const scopes = await tx<{ scope: string; kept_xid: number }[]>`
    select scope, kept_xid
    from foreword_private.archived_scope`
  const rows = new HistoryRows(new Map(scopes.map(({ scope, kept_xid }) => [scope, kept_xid])))
  await copyRows(tx, decisions, (row) => rows.addDecision(row))
  const any_predicate = rows.predicates.things.length > 0
  await copyRows(
    tx,
    `${entries}${any_predicate ? memberships : ''} from foreword_private.entry`,
    (row) => rows.addEntry(row),
  )
  await copyRows(tx, counters, (row) => rows.addCounterEntry(row))
  if (scopes.length > 0) {
    await copyRows(tx, keptResources, (row) => rows.addKeptResource(row))
    await copyRows(tx, keptCounters, (row) => rows.addKeptCounter(row))
  }
  return { history: rows.history(), names: (some, keys) => namesOf(tx, rows, some, keys) }
}
