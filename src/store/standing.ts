import type { Sql } from './connect.ts'

/** How an intent of a decision stands. */
export interface Standing {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly state: string
  readonly reason: string | null
  readonly open: boolean
  /** Nothing goes on with it before a person rules, approves or resumes: on itself, or on what it waits for. */
  readonly stuck: boolean
}

/**
 * The intents of a decision, in the order of their numbers. What they wait for is followed to its end. Reasons only where
 * asked for: one may be who lives, and deciders wait while that is found out.
 */
export const intentsOf = (
  sql: Sql,
  decision: string,
  { reasons }: { readonly reasons: boolean },
): Promise<readonly Standing[]> => sql<Standing[]>`
  with recursive mine as materialized (
    select
      i.id,
      i.kind,
      i.name,
      i.verb,
      i.state,
      case when ${reasons} then i.reason end as reason,
      i.due_at,
      i.settled_at,
      i.waits_for,
      i.paused
    from foreword.intent i
    where i.decision_id = ${decision}
  ),
  ahead as (
    select m.id as mine, m.id, m.state, m.due_at, m.waits_for, m.paused
    from mine m
    where m.settled_at is null
    union
    select a.mine, i.id, i.state, i.due_at, i.waits_for, i.paused
    from ahead a
    cross join lateral (
      select i.id, i.state, i.due_at, i.waits_for, i.paused
      from foreword.intent i
      where i.id = a.waits_for and i.settled_at is null
      offset 0
    ) i
  )
  select
    m.id,
    m.kind,
    m.name,
    m.verb,
    m.state,
    m.reason,
    m.settled_at is null as open,
    exists (
      select
      from ahead a
      where
        a.mine = m.id
        and (
          a.paused
          or a.state = 'awaiting_approval'
          or (a.state = 'in_doubt' and a.due_at is null)
        )
    ) as stuck
  from mine m
  order by m.id`

/** Whether there is such a decision; one that is archived, or wrote nothing to be carried out, has no intents. */
export const isDecided = async (sql: Sql, decision: string): Promise<boolean> => {
  const rows = await sql`select from foreword.decision d where d.id = ${decision}`
  return rows.length > 0
}
