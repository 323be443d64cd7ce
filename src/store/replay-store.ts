/** Recorded decisions out of the log, a bounded number at once, however many there are. */
import type {
  RecordedDecision,
  RecordedFilter,
  RecordedIntent,
  RecordedPremise,
  ReplayStore,
} from '../domain/replay-ports.ts'
import type { Sql } from './connect.ts'

const page_decisions_max = 500
/** A decision may have read a thousand states: so many of them, or one decision, are held at once. */
const batch_premises_max = 4_000
const first_window_ms = 60_000
const window_ms_max = 365 * 86_400_000

type Head = Omit<RecordedDecision, 'premises' | 'intents'> & {
  readonly decided_at_text: string
  readonly premises: number
}

interface Cursor {
  readonly from: string
  /** The last one told at just that time; null: none yet. */
  readonly after: string | null
}

const headsIn = (
  sql: Sql,
  filter: RecordedFilter,
  { from, after }: Cursor,
  window_ms: number,
) => sql<Head[]>`
  select d.*
  from foreword_code.recorded_decisions(
    ${from}::text::timestamptz,
    least(
      ${filter.until}::text::timestamptz,
      ${from}::text::timestamptz + ${window_ms}::double precision * interval '1 ms'
    ),
    ${after}::uuid,
    ${filter.scope}::text,
    ${filter.decider}::text,
    ${page_decisions_max}
  ) d`

/** The beginning of the next window, and whether it is past the end. */
const stepFrom = async (
  sql: Sql,
  filter: RecordedFilter,
  from: string,
  window_ms: number,
): Promise<{ readonly next: string; readonly done: boolean }> => {
  const [row] = await sql<{ next: string; done: boolean }[]>`
    select
      to_char(n.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as next,
      n.at >= ${filter.until}::text::timestamptz as done
    from (
      select ${from}::text::timestamptz + ${window_ms}::double precision * interval '1 ms' as at
    ) n`
  if (row === undefined) throw new Error('no time was told')
  return row
}

/** By time, through windows that grow where little was decided: the index of times finds ranges of blocks, not rows. */
async function* heads(sql: Sql, filter: RecordedFilter): AsyncGenerator<readonly Head[]> {
  let cursor: Cursor = { from: filter.since, after: null }
  let window_ms = first_window_ms
  for (;;) {
    const rows = await headsIn(sql, filter, cursor, window_ms)
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (rows.length === page_decisions_max && last !== undefined) {
      cursor = { from: last.decided_at_text, after: last.id }
      window_ms = Math.max(1, window_ms / 4)
      continue
    }
    const { next, done } = await stepFrom(sql, filter, cursor.from, window_ms)
    if (done) return
    cursor = { from: next, after: null }
    if (rows.length < page_decisions_max / 4) window_ms = Math.min(window_ms_max, window_ms * 4)
  }
}

/** Parts of a page that together read no more than may be held. */
const batches = (page: readonly Head[], wanted: RecordedFilter['wanted']): readonly Head[][] => {
  const parts: Head[][] = [[]]
  let held = 0
  for (const head of page) {
    const premises = wanted(head) ? head.premises : 0
    if (held > 0 && held + premises > batch_premises_max) {
      parts.push([])
      held = 0
    }
    parts.at(-1)?.push(head)
    held += premises
  }
  return parts
}

const premisesOf = (sql: Sql, ids: readonly string[]) => sql<
  (RecordedPremise & { decision: string })[]
>`
  select p.*
  from foreword_code.recorded_premises(${[...ids]}::uuid[]) p`

const intentsOf = (sql: Sql, ids: readonly string[]) => sql<
  (RecordedIntent & { decision: string })[]
>`
  select
    i.decision, i.resource, i.scope, i.kind, i.name, i.verb, i.state, i.labels, i.counters,
    i.labels_before, i.counters_before, i.needs::text[] as needs
  from foreword_code.recorded_intents(${[...ids]}::uuid[]) i`

const whole = async (
  sql: Sql,
  part: readonly Head[],
  wanted: RecordedFilter['wanted'],
): Promise<readonly RecordedDecision[]> => {
  const ids = part.filter(wanted).map(({ id }) => id)
  if (ids.length === 0) return part.map((head) => ({ ...head, premises: [], intents: [] }))
  const premises = Map.groupBy(await premisesOf(sql, ids), (p) => p.decision)
  const intents = Map.groupBy(await intentsOf(sql, ids), (i) => i.decision)
  return part.map((head) => ({
    ...head,
    premises: premises.get(head.id) ?? [],
    intents: intents.get(head.id) ?? [],
  }))
}

/** `sql`: sessions that can only read. */
export const replayStore = (sql: Sql): ReplayStore => ({
  pages: async function* (filter) {
    for await (const page of heads(sql, filter)) {
      for (const part of batches(page, filter.wanted)) yield await whole(sql, part, filter.wanted)
    }
  },
})
