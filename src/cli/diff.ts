/** `foreword diff`: what decisions made of a scope between two times, path by path, from the log alone. */
import { renderDiff, type Change } from '../domain/diff.ts'
import { ForewordError } from '../domain/errors.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import type { Sql } from '../store/connect.ts'
import { pathLine, signOf } from './change-lines.ts'
import type { Context } from './context.ts'
import { harmless, plural, truncate } from './print.ts'
import { openReader } from './session.ts'
import { looksLikeTime, momentsOf, type Moment } from './times.ts'

type Kind = 'created' | 'changed' | 'deleted' | 'replaced' | 'passed' | 'touched'

interface Row {
  readonly kind: string
  readonly name: string
  readonly change: Kind
  readonly version_before: number
  readonly version_after: number
  readonly state_before: Json
  readonly state_after: Json
  readonly labels_before: Json
  readonly labels_after: Json
  readonly decided_at: Date
  readonly decision_id: string
  readonly decider: string
  readonly actor: string
}

/** So many at once: states may be large, and a scope may have many. */
const page_rows = 500

async function* changesBetween(
  sql: Sql,
  scope: string,
  [since, until]: readonly [Moment, Moment],
): AsyncGenerator<readonly Row[]> {
  const query = sql<Row[]>`
    select c.*, d.decider, d.actor
    from foreword.changed_between(
      ${scope}, ${since.at}::text::timestamptz, ${until.at}::text::timestamptz
    ) c
    join foreword.decision d on d.id = c.decision_id
    order by c.kind, c.name`
  for await (const rows of query.cursor(page_rows)) yield rows
}

const verbOf: Readonly<Record<Kind, string>> = {
  created: 'create',
  changed: 'update',
  deleted: 'delete',
  replaced: 'replace',
  passed: 'pass',
  touched: 'touch',
}

/** Deleted and made anew, whatever it is like now. */
const replaced = { sign: '±', paint: 'yellow' } as const

/** State and labels as one, so that a path tells which of the two it is in. */
const pathsOf = (row: Row): readonly Change[] => {
  if (row.change === 'created') {
    return isJsonObject(row.state_after)
      ? Object.entries(row.state_after).map(([path, after]) => ({ path, after }))
      : [{ path: '', after: row.state_after }]
  }
  if (row.change !== 'changed' && row.change !== 'replaced') return []
  return [
    ...renderDiff(row.state_before, row.state_after),
    ...renderDiff({ labels: row.labels_before }, { labels: row.labels_after }),
  ]
}

const tellRow = ({ colors, width, out }: Context, row: Row): void => {
  const { sign, paint } = row.change === 'replaced' ? replaced : signOf(verbOf[row.change])
  const who = row.actor === '' ? row.decider : `${row.decider} for ${row.actor}`
  const tail = harmless(`v${row.version_before} → v${row.version_after}, ${who}`)
  const head = `${sign} ${row.change}`
  const name = truncate(harmless(`${row.kind}/${row.name}`), width - head.length - 1)
  const room = width - head.length - name.length - 3
  const shown = room > 12 ? `  ${colors.dim(truncate(tail, room))}` : ''
  out(`${colors[paint](head)} ${name}${shown}`)
  for (const change of pathsOf(row)) out(pathLine(verbOf[row.change], change, colors, width))
}

/** Told in the summary only: nothing is different because of them. */
const quiet_kinds: ReadonlySet<Kind> = new Set(['passed', 'touched'])

const summary = (count: ReadonlyMap<Kind, number>): string => {
  const of = (kind: Kind): number => count.get(kind) ?? 0
  const told = (['created', 'changed', 'deleted'] as const).map((kind) => `${of(kind)} ${kind}`)
  const rest = [
    ...(of('replaced') > 0 ? [`${of('replaced')} replaced`] : []),
    ...(of('passed') > 0 ? [`${of('passed')} made and gone again`] : []),
    ...(of('touched') > 0 ? [`${of('touched')} decided about and left as it was`] : []),
  ]
  return [...told, ...rest].join(', ')
}

/** `A B`, `A..B`, or one time, and then until now. */
const spanOf = (texts: readonly string[]): readonly [string, string] => {
  const [first = '', second, ...more] = texts
  const [from = '', to, ...others] = second === undefined ? first.split('..') : [first, second]
  const option = texts.find((text) => text.startsWith('-') && !text.split('..').some(looksLikeTime))
  if (option !== undefined || more.length + others.length > 0) {
    const what = option === undefined ? 'more than two times' : `unknown option ${option}`
    throw new ForewordError(harmless(what), { remedy: 'see foreword diff --help', exit_code: 2 })
  }
  return [from, to === undefined || to === '' ? 'now' : to]
}

export const diff =
  (scope: string, texts: readonly string[]) =>
  async (context: Context): Promise<number> => {
    const span = spanOf(texts)
    const sql = await openReader(context)
    const [since, until] = await momentsOf(sql, span)
    if (since === undefined || until === undefined) throw new Error('no time was asked for')
    if (since.at > until.at) {
      throw new ForewordError(`${since.told} is later than ${until.told}`, {
        remedy: 'give the earlier one first',
        exit_code: 2,
      })
    }
    const json = context.options.json === true
    if (!json) context.say(`${harmless(scope)}, ${since.told} to ${until.told} UTC`)
    const count = new Map<Kind, number>()
    for await (const rows of changesBetween(sql, scope, [since, until])) {
      for (const row of rows) {
        count.set(row.change, (count.get(row.change) ?? 0) + 1)
        if (json) context.out(JSON.stringify({ scope, ...row, paths: pathsOf(row) }))
        else if (!quiet_kinds.has(row.change)) tellRow(context, row)
      }
    }
    if (json) return 0
    const all = [...count.values()].reduce((sum, n) => sum + n, 0)
    context.out(all === 0 ? 'No differences.' : `${plural(all, 'resource')}: ${summary(count)}.`)
    return 0
  }
