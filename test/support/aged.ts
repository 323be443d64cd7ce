/** A log that is old: what was settled is moved back in time, by hand, since nobody waits for a month. */
import type { Sql } from '../../src/store/connect.ts'

export const age = async (sql: Sql, days: number): Promise<void> => {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      update foreword_private.decision d
      set decided_at = d.decided_at - ${days}::integer * interval '1 day'
      where not exists (
        select from foreword_private.entry e where e.decision = d.id and e.settled_at is null
      )`
    await tx`
      update foreword_private.again a
      set ended_at = a.ended_at - ${days}::integer * interval '1 day'`
    await tx`
      update foreword_private.entry e
      set
        recorded_at = e.recorded_at - ${days}::integer * interval '1 day',
        settled_at = e.settled_at - ${days}::integer * interval '1 day'
      where not exists (
        select from foreword_private.entry o where o.decision = e.decision and o.settled_at is null
      )`
  })
}
