/** `foreword schedules`: what runs by the clock, when next, and what came of the last run. */
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { moment, span, table, type Cell, type Column } from './print.ts'
import { openReader } from './session.ts'

export interface ScheduleRow {
  readonly name: string
  readonly cron: string
  readonly scope: string
  readonly kind: string | null
  readonly decider: string | null
  readonly last_started_at: Date | null
  readonly last_ended_at: Date | null
  readonly last_outcome: string | null
  readonly next_at: Date | null
  readonly running: boolean
  readonly worker: number | null
  readonly skipped: number
  readonly last_skipped_at: Date | null
}

export const readSchedules = (sql: Sql, scope?: string): Promise<readonly ScheduleRow[]> =>
  sql<ScheduleRow[]>`
    select *
    from foreword.schedule s
    where ${scope ?? null}::text is null or s.scope = ${scope ?? null}
    order by s.name`

const lastOf = ({ last_started_at, running }: ScheduleRow): string => {
  if (last_started_at === null) return 'never'
  const ago = span(Date.now() - last_started_at.getTime())
  return running ? `runs for ${ago}` : `${ago} ago`
}

const outcomeOf = ({ last_outcome, skipped }: ScheduleRow): string =>
  [
    ...(last_outcome === null ? [] : [last_outcome]),
    ...(skipped === 0 ? [] : [`${skipped} left out, the one before still ran`]),
  ].join('; ')

export const scheduleTable = (
  context: Context,
  rows: readonly ScheduleRow[],
): readonly string[] => {
  const columns: readonly Column[] = [
    { title: 'schedule', min: 8 },
    { title: 'scope', min: 6, spare: 2 },
    { title: 'does', min: 10, spare: 3 },
    { title: 'next, UTC', spare: 1 },
    { title: 'last' },
    { title: 'came to', min: 12 },
  ]
  return table(
    columns,
    rows.map((row): readonly Cell[] => [
      row.name,
      row.scope,
      row.decider === null ? `reconcile ${row.kind ?? 'all'}` : `decide ${row.decider}`,
      row.next_at === null ? 'never' : moment(row.next_at).slice(0, 16),
      lastOf(row),
      outcomeOf(row),
    ]),
    { width: context.width, indent: 2, paintTitle: context.colors.dim },
  )
}

export const schedules =
  () =>
  async (context: Context): Promise<number> => {
    const rows = await readSchedules(await openReader(context))
    if (context.options.json === true) context.json(rows)
    else if (rows.length === 0) context.out('No schedules: see `schedules` of foreword.config.ts.')
    else for (const line of scheduleTable(context, rows)) context.out(line)
    return 0
  }
