/** What waits for a person, for the page: doubts, approvals, and what was ruled last. */
import type { ApprovalRow, DoubtRow, Parked, RulingRow } from '../../domain/web-story-ports.ts'
import type { TransactionSql } from '../connect.ts'
import { takenAt } from './session.ts'

const doubts_max = 30
const approvals_max = 50
const rulings_max = 12

/** Those that only a person can end first, then by age. */
export const readDoubts = (
  tx: TransactionSql,
  of: { readonly only?: number; readonly at_most: number },
) => tx<DoubtRow[]>`
  select
    d.intent_id,
    d.scope,
    d.kind,
    d.name,
    d.verb,
    d.since,
    d.question,
    d.sent,
    d.answered,
    d.lookup,
    d.blocks,
    d.waits_for_a_person,
    d.reason,
    (select i.attempts from foreword.intent i where i.id = d.intent_id) as attempts
  from foreword.doubt d
  where ${of.only === undefined ? tx`true` : tx`d.intent_id = ${of.only}`}
  order by d.waits_for_a_person desc, d.since, d.intent_id
  limit ${of.at_most}`

const readApprovals = (tx: TransactionSql) => tx<ApprovalRow[]>`
  select
    i.id as intent_id,
    i.scope,
    i.kind,
    i.name,
    i.verb,
    i.decided_at as since,
    (
      select b.state_after
      from foreword.entry b
      where
        b.scope = i.scope
        and b.kind = i.kind
        and b.name = i.name
        and b.version = i.version - 1
    ) as state_before,
    i.state_after,
    i.decision_id,
    d.decider,
    d.actor,
    d.reason as decided_because,
    i.attempts
  from foreword.intent i
  join foreword.decision d on d.id = i.decision_id
  where i.state = 'awaiting_approval' and i.settled_at is null
  order by i.id
  limit ${approvals_max}`

const readNewestRulings = (tx: TransactionSql) => tx<
  (RulingRow & { scope: string; kind: string; name: string; verb: string })[]
>`
  select
    r.id,
    r.intent_id,
    r.ruling,
    r.by,
    r.note,
    r.at,
    r.state_before,
    r.external_id,
    r.scope,
    r.kind,
    r.name,
    r.verb
  from foreword.ruling r
  order by r.id desc
  limit ${rulings_max}`

const readCounts = (tx: TransactionSql) => tx<{ doubts: number; approvals: number }[]>`
  select
    count(*) filter (where i.state = 'in_doubt') as doubts,
    count(*) filter (where i.state = 'awaiting_approval') as approvals
  from foreword.intent i
  where i.settled_at is null and i.state in ('in_doubt', 'awaiting_approval')`

export const readParked = async (tx: TransactionSql): Promise<Parked> => {
  const [taken_at, doubts, approvals, rulings, [counts]] = await Promise.all([
    takenAt(tx),
    readDoubts(tx, { at_most: doubts_max }),
    readApprovals(tx),
    readNewestRulings(tx),
    readCounts(tx),
  ])
  return {
    taken_at,
    doubts,
    approvals,
    rulings,
    doubts_left: Math.max(0, (counts?.doubts ?? 0) - doubts.length),
    approvals_left: Math.max(0, (counts?.approvals ?? 0) - approvals.length),
  }
}
