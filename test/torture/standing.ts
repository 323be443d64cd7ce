/** Which intents still are to move by themselves, and which wait for a person, or for one that does. */
import type { Sql } from '../../src/store/connect.ts'
import { deciders } from './deciders.ts'

export interface Open {
  readonly id: number
  readonly resource: string
  readonly state: string
  readonly is_due: boolean
  readonly worker: number | null
  /** The intent that it, or its decision, waits for, as the log has it. */
  readonly waits_for: number | null
}

export interface Standing {
  readonly parked: readonly Open[]
  /** Wait for a parked one. */
  readonly blocked: readonly Open[]
  readonly moving: readonly Open[]
}

const isParked = (o: Open): boolean => o.state === 'in_doubt' && !o.is_due && o.worker === null

export const standingOf = (open: readonly Open[]): Standing => {
  const parked = open.filter(isParked)
  const stuck = new Set(parked.map((o) => o.id))
  for (let grown = true; grown;) {
    grown = false
    for (const { id, state, waits_for } of open) {
      if (state !== 'pending' || stuck.has(id) || waits_for === null) continue
      if (!stuck.has(waits_for)) continue
      stuck.add(id)
      grown = true
    }
  }
  return {
    parked,
    blocked: open.filter((o) => stuck.has(o.id) && !isParked(o)),
    moving: open.filter((o) => !stuck.has(o.id)),
  }
}

export const readOpen = (sql: Sql): Promise<readonly Open[]> => sql<Open[]>`
  select
    e.id,
    e.resource,
    e.state,
    e.due_at is not null as is_due,
    e.worker,
    coalesce(e.waits_for, d.waits_for) as waits_for
  from foreword_private.entry e
  join foreword_private.decision d on d.id = e.decision
  where e.settled_at is null`

/** Stale decisions that are still to be decided again, by somebody who is there. */
export const readAgain = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql<{ decision: string }[]>`
    select a.decision
    from foreword_private.again a
    where a.ended_at is null and a.decider = any (${[...deciders.keys()]}::text[])`
  return rows.map((row) => row.decision)
}
