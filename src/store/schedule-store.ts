import type { Schedule } from '../domain/config.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'

/** A schedule, and when it is next to run. */
export type Registered = Schedule & { readonly next_at: Date | null }

export interface ScheduleStore {
  /**
   * What a worker has in its configuration. `whole`: others that nobody living has registered are dropped; false for
   * who helps out, and does not speak for the configuration of those who stay.
   */
  readonly register: (
    worker: number,
    schedules: readonly Registered[],
    whole: boolean,
  ) => Promise<void>
  /** False: the last run has not ended yet, and its worker lives. */
  readonly start: (name: string, worker: number, next_at: Date | null) => Promise<boolean>
  readonly finish: (name: string, worker: number, outcome: string) => Promise<void>
}

const register = async (
  sql: Sql,
  worker: number,
  schedules: readonly Registered[],
  whole: boolean,
): Promise<void> => {
  const rows = schedules.map((s) => ({
    name: s.name,
    cron: s.cron,
    scope: s.scope,
    kind: s.kind ?? null,
    decider: s.decider ?? null,
    input: s.input ?? null,
    next_at: s.next_at?.toISOString() ?? null,
  }))
  await sql`
    insert into foreword_private.schedule as s (
      name, cron, scope, kind, decider, input, next_at, registered_by
    )
    select n.name, n.cron, n.scope, n.kind, n.decider, n.input, n.next_at, ${worker}::bigint
    from jsonb_to_recordset(${jsonb(sql, rows)}) as n (
      name text, cron text, scope text, kind text, decider text, input jsonb, next_at timestamptz
    )
    on conflict (name) do update
    set
      cron = excluded.cron,
      scope = excluded.scope,
      kind = excluded.kind,
      decider = excluded.decider,
      input = excluded.input,
      next_at = excluded.next_at,
      registered_by = excluded.registered_by,
      dropped_at = null`
  if (!whole) return
  await sql`
    update foreword_private.schedule s
    set dropped_at = clock_timestamp()
    where
      s.dropped_at is null
      and s.name <> all (${rows.map(({ name }) => name)}::text[])
      and not foreword_code.worker_lives(s.registered_by)`
}

/**
 * What the view `schedule` shows, and what keeps a slow run from being overlapped by the next. A run is its
 * worker's: when that dies, however that comes, the next may begin at once.
 */
export const scheduleStore = (sql: Sql): ScheduleStore => ({
  register: (worker, schedules, whole) => register(sql, worker, schedules, whole),
  start: async (name, worker, next_at) => {
    const started = await sql`
      update foreword_private.schedule s
      set
        last_started_at = clock_timestamp(),
        last_ended_at = null,
        last_outcome = null,
        worker = ${worker},
        next_at = ${next_at},
        -- Who registered it last may be gone while others have it still.
        registered_by = ${worker},
        dropped_at = null
      where
        s.name = ${name}
        and (
          s.last_started_at is null
          or s.last_ended_at is not null
          or not foreword_code.worker_lives(s.worker)
        )
      returning s.name`
    if (started.length > 0) return true
    await sql`
      update foreword_private.schedule s
      set
        skipped = s.skipped + 1,
        last_skipped_at = clock_timestamp(),
        next_at = ${next_at}
      where s.name = ${name}`
    return false
  },
  finish: async (name, worker, outcome) => {
    // Of a worker that is taken for dead another run may be under way.
    await sql`
      update foreword_private.schedule s
      set last_ended_at = clock_timestamp(), last_outcome = ${outcome.slice(0, 500)}
      where s.name = ${name} and s.worker = ${worker} and s.last_ended_at is null`
  },
})
