/** `foreword status --at`: how everything was assumed to stand at a time, from the log alone. */
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { harmless, moment, table, type Cell, type Column } from './print.ts'
import { noteUnknown, scopesOf } from './scope.ts'
import { openReader } from './session.ts'
import { momentsOf, type Moment } from './times.ts'

/** Rows of a table that a person still reads. */
const open_max = 20

interface Count {
  readonly scope: string
  readonly kind: string
  readonly present: number
  /** Not settled yet then, in their newest version of then. */
  readonly under_way: number
  /** Of what was assumed then, what turned out not to have happened. */
  readonly taken_back: number
}

interface Open {
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly decided_at: Date
  readonly intent_id: number | null
  readonly intent_state: string | null
}

const countsIn = (sql: Sql, scope: string, { at }: Moment) => sql<Count[]>`
  select
    ${scope} as scope,
    a.kind,
    count(*) as present,
    count(*) filter (where a.settled_at is null or a.settled_at > ${at}::text::timestamptz) as under_way,
    count(*) filter (where a.intent_state in ('rejected', 'stale', 'cancelled')) as taken_back
  from foreword.assumed_at(${scope}, ${at}::text::timestamptz) a
  group by a.kind
  order by a.kind`

const openIn = (sql: Sql, scope: string, { at }: Moment) => sql<Open[]>`
  select
    ${scope} as scope,
    a.kind,
    a.name,
    a.version,
    a.decided_at,
    a.intent_id,
    a.intent_state
  from foreword.assumed_at(${scope}, ${at}::text::timestamptz) a
  where
    a.settled_at is null
    or a.settled_at > ${at}::text::timestamptz
    or a.intent_state in ('rejected', 'stale', 'cancelled')
  order by a.decided_at
  limit ${open_max}`

const resourcesIn = (sql: Sql, scope: string, { at }: Moment) => sql`
  select ${scope} as scope, a.*
  from foreword.assumed_at(${scope}, ${at}::text::timestamptz) a`

const countTable = ({ colors, width }: Context, counts: readonly Count[]): readonly string[] => {
  const columns: readonly Column[] = [
    { title: 'kind', min: 6 },
    { title: 'assumed there', align: 'right' },
    { title: 'under way', align: 'right' },
    { title: 'taken back since', align: 'right', spare: 1 },
  ]
  const number = (count: number, paint: (text: string) => string): Cell => ({
    text: String(count),
    paint: count === 0 ? colors.dim : paint,
  })
  const rows = counts.map((count): readonly Cell[] => [
    count.kind,
    number(count.present, colors.green),
    number(count.under_way, colors.cyan),
    number(count.taken_back, colors.yellow),
  ])
  return table(columns, rows, { width, indent: 2, paintTitle: colors.dim })
}

const openTable = ({ colors, width }: Context, rows: readonly Open[]): readonly string[] => {
  const columns: readonly Column[] = [
    { title: 'not settled then', min: 18 },
    { title: 'v', align: 'right', spare: 1 },
    { title: 'decided', spare: 2 },
    { title: 'and now', min: 10 },
  ]
  const cells = rows.map((row): readonly Cell[] => [
    `${row.kind}/${row.name}`,
    String(row.version),
    moment(row.decided_at),
    row.intent_id === null
      ? ''
      : `#${row.intent_id} ${(row.intent_state ?? '').replaceAll('_', ' ')}`,
  ])
  return table(columns, cells, { width, indent: 2, paintTitle: colors.dim })
}

const tellScope = async (
  context: Context,
  sql: Sql,
  scope: string,
  at: Moment,
): Promise<number> => {
  const [counts, open] = [await countsIn(sql, scope, at), await openIn(sql, scope, at)]
  if (counts.length === 0) return 0
  const { colors, out } = context
  out()
  out(colors.bold(harmless(scope)))
  for (const line of countTable(context, counts)) out(line)
  if (open.length > 0) {
    out()
    for (const line of openTable(context, open)) out(line)
    if (open.length === open_max) out(colors.dim('  … the oldest; all of them with --json'))
  }
  return counts.reduce((sum, { present }) => sum + present, 0)
}

export const statusAt =
  (scope: string | undefined, text: string) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const [at] = await momentsOf(sql, [text])
    if (at === undefined) throw new Error('no time was asked for')
    const scopes = scope === undefined ? await scopesOf(sql) : [scope]
    if (context.options.json === true) {
      const counts = await Promise.all(scopes.map((s) => countsIn(sql, s, at)))
      // All of one scope; of all scopes it would be the whole database.
      const resources = scope === undefined ? {} : { resources: await resourcesIn(sql, scope, at) }
      context.json({ at: at.at, counts: counts.flat(), ...resources })
      return 0
    }
    context.out(`as it was assumed at ${context.colors.bold(`${at.told} UTC`)}`)
    let present = 0
    for (const each of scopes) present += await tellScope(context, sql, each, at)
    if (present === 0) context.out('Nothing was there.')
    if (present === 0 && scope !== undefined) await noteUnknown(context, sql, scope)
    return 0
  }
