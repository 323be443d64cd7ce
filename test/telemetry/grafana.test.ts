/** The dashboard and the alerts: every SQL runs for a reader, every name in PromQL is one that /metrics has. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import t from 'tap'
import { parse } from 'yaml'
import { families } from '../../src/telemetry/families.ts'
import { testDatabase } from '../support/database.ts'
import { loginAs } from '../support/login.ts'
import { measured } from './support.ts'

const docs = path.resolve(import.meta.dirname, '../../docs')

interface Target {
  readonly rawSql?: string
  readonly expr?: string
  readonly datasource: { readonly uid: string }
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly targets?: readonly Target[]
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
}

const dashboard = JSON.parse(await readFile(path.join(docs, 'grafana/foreword.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}
const alerts = parse(await readFile(path.join(docs, 'grafana/alerts.yml'), 'utf8')) as {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly annotations: { readonly summary: string; readonly remedy: string }
    }[]
  }[]
}
const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) =>
  of.map((target) => ({ title, ...target })),
)
const rules = alerts.groups.flatMap((group) => group.rules)

/** Names of metrics in an expression. Throws where it is no PromQL. */
const namesIn = (expression: string): readonly string[] => {
  // What Grafana puts in beforehand.
  const text = expression.replaceAll('$__rate_interval', '5m')
  const names: string[] = []
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`)
      if (type.name === 'VectorSelector') {
        names.push(/^\w+/.exec(text.slice(from, to))?.[0] ?? '')
      }
    },
  })
  return names
}

const { scrape } = await measured(t)
const exported = new Set(
  [...(await scrape()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
  ),
)

t.test('a parser that finds nothing wrong would find nothing', (t) => {
  t.throws(() => namesIn('sum(foreword_up'), /no PromQL/)
  t.strictSame(namesIn('sum by (kind) (rate(foreword_calls_total{kind="x"}[5m])) > 1'), [
    'foreword_calls_total',
  ])
  t.end()
})

t.test('every expression is PromQL on names that /metrics has', (t) => {
  const expressions = [
    ...targets.flatMap(({ title, expr }) => (expr === undefined ? [] : [{ of: title, expr }])),
    ...rules.map(({ alert, expr }) => ({ of: alert, expr })),
  ]
  t.ok(expressions.length > 25)
  for (const { of, expr } of expressions) {
    const names = namesIn(expr)
    t.ok(names.length > 0, `${of} asks for something`)
    for (const name of names) t.ok(exported.has(name), `${of}: ${name}`)
  }
  t.end()
})

t.test('every SQL runs for a login in foreword_reader, and has rows or columns', async (t) => {
  const db = await testDatabase(t)
  const reader = await loginAs(t, db, ['foreword_reader'])
  const queries = targets.filter(({ rawSql }) => rawSql !== undefined)
  t.ok(queries.length > 5)
  for (const { title, rawSql = '' } of queries) {
    const { columns } = await reader.sql.unsafe(rawSql)
    t.ok(columns.length > 3, title)
    t.match(rawSql, /limit \d+$/, `${title} is bounded`)
  }
})

t.test('each panel has its place, its id and a source that can be chosen', (t) => {
  const { panels, templating } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const known = templating.list.map(({ name }) => `\${${name}}`)
  for (const { datasource, title } of targets) t.ok(known.includes(datasource.uid), title)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  t.equal(new Set(cells).size, cells.length, 'none lies over another')
  t.end()
})

t.test('every alert says what is so and what to do, and stands in the manual', async (t) => {
  const manual = await readFile(path.join(docs, 'operations.md'), 'utf8')
  for (const { alert, annotations } of rules) {
    t.ok(annotations.summary.length > 10 && annotations.remedy.length > 10, alert)
    t.ok(manual.includes(`\`${alert}\``), `${alert} is described`)
  }
})

t.test('docs/metrics.md has each metric as it is', async (t) => {
  const page = await readFile(path.join(docs, 'metrics.md'), 'utf8')
  const told = page.split('\n').filter((line) => line.startsWith('| `foreword_'))
  const rows = told.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, 5),
  )
  t.strictSame(
    rows,
    families.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help.replaceAll('|', '\\|'),
    ]),
  )
})
