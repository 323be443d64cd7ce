/** Rows of the log that several pages tell: entries, calls, rulings, and who waits for whom. */
import type { IntentRow } from '../../domain/web-ports.ts'
import type { AttemptRow, EntryRow, RulingRow, WaitRow } from '../../domain/web-story-ports.ts'
import type { TransactionSql } from '../connect.ts'

export const entryColumns = (tx: TransactionSql) => tx`
  e.id,
  e.scope,
  e.kind,
  e.name,
  e.version,
  e.cause,
  e.verb,
  e.state,
  e.reason,
  e.decision_id,
  e.recorded_at,
  e.applied_at,
  e.settled_at,
  e.state_after,
  d.decider,
  d.decider_version,
  d.actor,
  d.reason as decided_because`

export const intentColumns = (tx: TransactionSql) => tx`
  i.id,
  i.scope,
  i.kind,
  i.name,
  i.verb,
  i.state,
  i.reason,
  i.attempts,
  i.decided_at,
  i.settled_at`

const ids = (intents: readonly number[]): readonly string[] => intents.map(String)

export const readAttempts = (tx: TransactionSql, intents: readonly number[]) =>
  tx<AttemptRow[]>`
    select
      a.intent_id,
      a.number,
      a.started_at,
      a.ended_at,
      a.deadline_at,
      a.outcome,
      a.error_class,
      a.error,
      a.response,
      a.idempotency_key,
      a.worker,
      a.external_id
    from foreword.attempt a
    where a.intent_id = any (${ids(intents)}::bigint[])
    order by a.intent_id, a.number desc
    limit 200`

export const readRulings = (tx: TransactionSql, intents: readonly number[]) =>
  tx<RulingRow[]>`
    select r.id, r.intent_id, r.ruling, r.by, r.note, r.at, r.state_before, r.external_id
    from foreword.ruling r
    where r.intent_id = any (${ids(intents)}::bigint[])
    order by r.id
    limit 200`

const intentsById = (tx: TransactionSql, intents: readonly number[]) =>
  tx<IntentRow[]>`
    select ${intentColumns(tx)}
    from foreword.intent i
    where i.id = any (${ids(intents)}::bigint[])
    order by i.id`

/** Asking who waits goes through all that is open: of more than so many nobody is asked. */
const open_max = 20_000
const waits_max = 60

interface Edge {
  readonly intent_id: number
  readonly waits_for: number
  readonly why: string
}

const readEdges = (tx: TransactionSql, intents: readonly number[]) => tx<Edge[]>`
  select w.intent_id, w.waits_for, w.why
  from foreword.waiting w
  where w.intent_id = any (${ids(intents)}::bigint[])
  union
  select w.intent_id, w.waits_for, w.why
  from foreword.waiting w
  where
    w.waits_for = any (${ids(intents)}::bigint[])
    and (
      select count(*)
      from (
        select
        from foreword.intent i
        where i.settled_at is null
        limit ${open_max + 1}
      ) o
    ) <= ${open_max}
  limit ${waits_max}`

/** Who of these waits for whom, and who waits for them. */
export const readWaits = async (
  tx: TransactionSql,
  intents: readonly number[],
): Promise<readonly WaitRow[]> => {
  if (intents.length === 0) return []
  const edges = await readEdges(tx, intents)
  const known = new Map(
    (await intentsById(tx, [...new Set(edges.flatMap((e) => [e.intent_id, e.waits_for]))])).map(
      (intent) => [intent.id, intent],
    ),
  )
  return edges.flatMap(({ intent_id, waits_for, why }) => {
    const [intent, first] = [known.get(intent_id), known.get(waits_for)]
    return intent === undefined || first === undefined ? [] : [{ intent, waits_for: first, why }]
  })
}

/** One entry with who decided it. */
export const readEntry = async (tx: TransactionSql, id: number): Promise<EntryRow | undefined> => {
  const [row] = await tx<EntryRow[]>`
    select ${entryColumns(tx)}
    from foreword.entry e
    join foreword.decision d on d.id = e.decision_id
    where e.id = ${id}`
  return row
}
