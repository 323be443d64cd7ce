/** What the page tells of the machinery: workers, schedules, accounts, and the graph of what waits. */
import type { IntentRow, ScheduleRow, WorkerRow } from '../../domain/web-ports.ts'
import type { BudgetRow, Machinery, PausedScope, WaitGraph } from '../../domain/web-story-ports.ts'
import type { TransactionSql } from '../connect.ts'
import { intentColumns } from './log.ts'
import { takenAt } from './session.ts'

/** More than so many cannot be told apart on a page. */
const nodes_max = 200

const readWorkers = (tx: TransactionSql) => tx<(WorkerRow & { stopped_at: Date | null })[]>`
  select w.id, w.host, w.pid, w.version, w.started_at, w.stopped_at, w.alive, w.running, w.kinds
  from foreword.worker w
  order by w.alive desc, w.id desc
  limit 50`

const readSchedules = (tx: TransactionSql) => tx<ScheduleRow[]>`
  select
    s.name,
    s.cron,
    s.scope,
    s.kind,
    s.decider,
    s.last_started_at,
    s.last_ended_at,
    s.last_outcome
  from foreword.schedule s
  order by s.scope, s.name
  limit 200`

const readBudgets = (tx: TransactionSql) => tx<BudgetRow[]>`
  select b.account, b.kinds, b.scope, b.per_second, b.burst, b.tokens, b.health, b.until, b.reason
  from foreword.budget b
  order by b.health = 'well', b.account
  limit 200`

const readPaused = (tx: TransactionSql) => tx<PausedScope[]>`
  select s.scope, s.by, s.note, s.since, s.waiting
  from foreword.scope s
  where s.paused
  order by s.since, s.scope
  limit 100`

export const readMachinery = async (tx: TransactionSql): Promise<Machinery> => {
  const [taken_at, workers, schedules, budgets, paused] = await Promise.all([
    takenAt(tx),
    readWorkers(tx),
    readSchedules(tx),
    readBudgets(tx),
    readPaused(tx),
  ])
  return { taken_at, workers, schedules, budgets, paused }
}

/** What is in doubt or to be approved, then what has begun, then by age. */
const readNodes = (tx: TransactionSql) => tx<IntentRow[]>`
  select ${intentColumns(tx)}
  from (
    select i.id
    from foreword.intent i
    where i.settled_at is null
    order by
      case i.state
        when 'in_doubt' then 0
        when 'awaiting_approval' then 1
        when 'pending' then 3
        else 2
      end,
      i.id
    limit ${nodes_max}
  ) first
  join foreword.intent i on i.id = first.id
  order by i.id`

export const readWaitGraph = async (tx: TransactionSql): Promise<WaitGraph> => {
  const [taken_at, nodes, [counted]] = await Promise.all([
    takenAt(tx),
    readNodes(tx),
    tx<{ open: number }[]>`
      select count(*) as open from foreword.intent i where i.settled_at is null`,
  ])
  const ids = nodes.map((node) => String(node.id))
  const edges = await tx<{ from: number; to: number; why: string }[]>`
    select w.intent_id as from, w.waits_for as to, w.why
    from foreword.waiting w
    where w.intent_id = any (${ids}::bigint[]) and w.waits_for = any (${ids}::bigint[])
    limit 1000`
  return { taken_at, nodes, edges, open: counted?.open ?? 0 }
}
