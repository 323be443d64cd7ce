import type { Schedule } from '../domain/config.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'

/** A run that has not ended after this long is taken for dead, and the next one may begin. */
const run_timeout = '1 hour'

export interface ScheduleStore {
  readonly register: (schedules: readonly Schedule[]) => Promise<void>
  /** False: the last run has not ended yet. */
  readonly start: (name: string) => Promise<boolean>
  readonly finish: (name: string, outcome: string) => Promise<void>
}

/** What the view `schedule` shows, and what keeps a slow run from being overlapped by the next. */
export const scheduleStore = (sql: Sql): ScheduleStore => ({
  register: async (schedules) => {
    const rows = schedules.map((s) => ({
      name: s.name,
      cron: s.cron,
      scope: s.scope,
      kind: s.kind ?? null,
      decider: s.decider ?? null,
      input: s.input ?? null,
    }))
    await sql`
      insert into foreword_private.schedule as s (name, cron, scope, kind, decider, input)
      select n.name, n.cron, n.scope, n.kind, n.decider, n.input
      from jsonb_to_recordset(${jsonb(sql, rows)})
        as n (name text, cron text, scope text, kind text, decider text, input jsonb)
      on conflict (name) do update
      set
        cron = excluded.cron,
        scope = excluded.scope,
        kind = excluded.kind,
        decider = excluded.decider,
        input = excluded.input`
  },
  start: async (name) => {
    const rows = await sql`
      update foreword_private.schedule s
      set
        last_started_at = clock_timestamp(),
        last_ended_at = null,
        last_outcome = null
      where
        s.name = ${name}
        and (
          s.last_started_at is null
          or s.last_ended_at is not null
          or s.last_started_at < clock_timestamp() - ${run_timeout}::interval
        )
      returning s.name`
    return rows.length > 0
  },
  finish: async (name, outcome) => {
    await sql`
      update foreword_private.schedule s
      set last_ended_at = clock_timestamp(), last_outcome = ${outcome.slice(0, 500)}
      where s.name = ${name}`
  },
})
