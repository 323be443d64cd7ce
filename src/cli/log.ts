/** `foreword log`: entries, and with --follow what becomes of them. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { readEntries, readEntriesSince, type EntryRow } from './entries.ts'
import {
  layoutFor,
  moment,
  harmless,
  shortMoment,
  type Cell,
  type Colors,
  type Column,
  type Layout,
} from './print.ts'
import { newestRulings, type Ruling } from './rulings.ts'
import { noteUnknown } from './scope.ts'
import { openReader } from './session.ts'

const poll_interval_ms = 500
/**
 * An entry's number is drawn before its transaction commits: a smaller one may become visible after
 * a larger one. So what came in the last while is read again, longer than any transaction may take.
 */
const window_ms = 60_000
/** So many of the newest are known from the start; what is older and not yet visible is not new. */
const known_min = 2_000
/** Unsettled entries whose fate is followed; older ones are left to `foreword status`. */
const followed_max = 5_000
/** Of rulings, so many of the newest. */
const rulings_max = 1_000
/** Entries by which columns are chosen. */
const sample_rows = 200

const columns: readonly Column[] = [
  { title: 'UTC', spare: 2 },
  { title: 'scope', min: 9, spare: 3 },
  { title: 'resource', min: 14 },
  { title: 'v', align: 'right', spare: 1 },
  // What was done and what came of it are never cut: they are what a narrow terminal is for.
  { title: 'what' },
  { title: 'state' },
  { title: 'decider', min: 16, spare: 5 },
  { title: 'because', min: 10, spare: 4 },
]

const painters: Readonly<Record<string, keyof Colors>> = {
  confirmed: 'green',
  rejected: 'red',
  in_doubt: 'red',
  stale: 'yellow',
  cancelled: 'yellow',
  awaiting_approval: 'yellow',
}

const cellsOf = (entry: EntryRow, { colors, width }: Context): readonly Cell[] => {
  const { recorded_at: at } = entry
  const time = Number.isFinite(width) ? shortMoment(at, new Date()) : moment(at)
  const state = entry.state === 'recorded' ? entry.cause : entry.state.replaceAll('_', ' ')
  return [
    { text: time, paint: colors.dim },
    entry.scope,
    { text: `${entry.kind}/${entry.name}`, paint: colors.bold },
    String(entry.version),
    entry.verb,
    { text: state, paint: colors[painters[entry.state] ?? 'cyan'] },
    { text: entry.decider, paint: colors.dim },
    entry.reason ?? entry.decided_because,
  ]
}

/** A ruling stands between the entries, where it was made: it moved an intent, and wrote no entry of its own. */
const cellsOfRuling = (ruling: Ruling, { colors, width }: Context): readonly Cell[] => [
  {
    text: Number.isFinite(width) ? shortMoment(ruling.at, new Date()) : moment(ruling.at),
    paint: colors.dim,
  },
  ruling.scope,
  { text: `${ruling.kind}/${ruling.name}`, paint: colors.bold },
  String(ruling.version),
  ruling.verb,
  { text: ruling.ruling.replaceAll('_', ' '), paint: colors.magenta },
  { text: ruling.by, paint: colors.dim },
  ruling.note,
]

/** What --follow tells again: not each step on the way, but what it came to. */
const isNews = (state: string): boolean =>
  !['pending', 'applying', 'accepted', 'applied'].includes(state)

/** What was told so far. Bounded by the window and by what is still unsettled. */
const createMemory = (first: readonly EntryRow[]) => {
  const told = new Map<number, { state: string; readonly at_ms: number; settled: boolean }>()
  let floor = first.length < known_min ? 0 : (first[0]?.id ?? 1) - 1
  const note = (entry: EntryRow): boolean => {
    const known = told.get(entry.id)
    const settled = entry.settled_at !== null
    if (known === undefined) {
      told.set(entry.id, { state: entry.state, at_ms: performance.now(), settled })
      return true
    }
    const changed = known.state !== entry.state && isNews(entry.state)
    known.settled = settled
    if (changed) known.state = entry.state
    return changed
  }
  const forget = (): void => {
    const old = performance.now() - window_ms
    for (const [id, { at_ms, settled }] of told) {
      if (at_ms > old) continue
      floor = Math.max(floor, id)
      if (settled || told.size > followed_max) told.delete(id)
    }
  }
  const open = (): readonly number[] =>
    [...told].flatMap(([id, { settled }]) => (settled ? [] : [id]))
  for (const entry of first) note(entry)
  return { note, forget, open, floor: () => floor }
}

/** Rulings that nobody has been told of yet. Persons rule seldom: the newest are all that there can be. */
const createRulings = async (sql: Sql, scope: string | undefined) => {
  const read = (): Promise<readonly Ruling[]> => newestRulings(sql, { scope, last: rulings_max })
  let told = new Set((await read()).map(({ id }) => id))
  return async (): Promise<readonly Ruling[]> => {
    const rulings = await read()
    const fresh = rulings.filter(({ id }) => !told.has(id))
    told = new Set(rulings.map(({ id }) => id))
    return fresh
  }
}

interface Tell {
  readonly entry: (entry: EntryRow) => void
  readonly ruling: (ruling: Ruling) => void
}

const follow = async (
  context: Context,
  sql: Sql,
  scope: string | undefined,
  first: readonly EntryRow[],
  tell: Tell,
): Promise<void> => {
  const memory = createMemory(first)
  const freshRulings = await createRulings(sql, scope)
  while (!context.signal.aborted) {
    await pause(poll_interval_ms, undefined, { signal: context.signal }).catch(() => undefined)
    for (const entry of await readEntriesSince(sql, scope, memory.floor(), memory.open())) {
      if (memory.note(entry)) tell.entry(entry)
    }
    for (const ruling of await freshRulings()) tell.ruling(ruling)
    memory.forget()
  }
}

/** Where one scope was asked for, it need not be told with each line. */
const layoutOf = (
  context: Context,
  sample: readonly EntryRow[],
  scope: string | undefined,
): Layout =>
  layoutFor(
    columns.map((c) => (c.title === 'scope' && scope !== undefined ? { ...c, hidden: true } : c)),
    sample.map((entry) => cellsOf(entry, context)),
    { width: context.width, paintTitle: context.colors.dim },
  )

/** Lines as wide as the terminal is at that moment: columns are chosen anew, from what was told last, when it changes. */
const createLines = (context: Context, read: readonly EntryRow[], scope: string | undefined) => {
  let sample = read.slice(-sample_rows)
  let width = context.width
  let layout = layoutOf(context, sample, scope)
  const current = (): Layout => {
    if (context.width !== width) {
      width = context.width
      layout = layoutOf(context, sample, scope)
    }
    return layout
  }
  const row = (entry: EntryRow): string => {
    sample = [...sample, entry].slice(-sample_rows)
    return current().row(cellsOf(entry, context))
  }
  return {
    title: () => current().title(),
    row,
    ruling: (r: Ruling) => current().row(cellsOfRuling(r, context)),
  }
}

/** Entries in their order, and rulings between them. */
const tellShown = async (
  sql: Sql,
  scope: string | undefined,
  shown: readonly EntryRow[],
  tell: Tell,
): Promise<void> => {
  const [oldest] = shown
  if (oldest === undefined) return
  const filter = { scope, since: oldest.recorded_at, last: rulings_max }
  const rulings = [...(await newestRulings(sql, filter))]
  for (const entry of shown) {
    while (rulings[0] !== undefined && rulings[0].at < entry.recorded_at) {
      tell.ruling(rulings[0])
      rulings.shift()
    }
    tell.entry(entry)
  }
  for (const ruling of rulings) tell.ruling(ruling)
}

/** Where the log is asked for more than it keeps, it says so. */
const noteArchived = async (
  context: Context,
  sql: Sql,
  scope: string | undefined,
  [oldest]: readonly EntryRow[],
): Promise<void> => {
  const [kept] = await sql<{ since: Date | null }[]>`
    select max(k.since) as since
    from foreword.kept k
    where ${scope ?? null}::text is null or k.scope = ${scope ?? null}`
  const since = kept?.since ?? null
  if (since === null || (oldest !== undefined && oldest.recorded_at > since)) return
  context.note(`of before ${moment(since)} UTC some or all is archived: see foreword.archive`)
}

export const log =
  (scope: string | undefined, options: { readonly number: number; readonly follow?: boolean }) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const last = options.follow === true ? Math.max(known_min, options.number) : options.number
    const read = await readEntries(sql, { scope, last })
    const shown = options.number === 0 ? [] : read.slice(-options.number)
    const json = context.options.json === true
    const lines = createLines(context, shown.length > 0 ? shown : read, scope)
    const tell: Tell = {
      entry: (entry) => {
        context.out(json ? JSON.stringify(entry) : lines.row(entry))
      },
      ruling: (ruling) => {
        const line = { cause: 'ruling', ...ruling }
        context.out(json ? JSON.stringify(line) : lines.ruling(ruling))
      },
    }
    await noteArchived(context, sql, scope, shown)
    if (!json && shown.length > 0) context.out(lines.title())
    await tellShown(sql, scope, shown, tell)
    if (!json && shown.length === 0 && options.follow !== true) {
      context.note(
        scope === undefined ? 'the log is empty' : `no entries in scope ${harmless(scope)}`,
      )
      if (scope !== undefined) await noteUnknown(context, sql, scope)
    }
    if (options.follow === true) await follow(context, sql, scope, read, tell)
    return 0
  }
