/** The search of the page: it finds what it is asked for, all of it, once, and reads little for it. */
import t from 'tap'
import { create } from '../../src/domain/decider.ts'
import type { Found, Search } from '../../src/domain/web-story-ports.ts'
import type { Sql } from '../../src/store/connect.ts'
import { webReads } from '../../src/store/web/reads.ts'
import { page_rows } from '../../src/store/web/search.ts'
import { testDatabase } from '../support/database.ts'
import { testEngine } from '../support/engine.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { seedResources } from '../support/seed-resources.ts'
import { ask, enter, webOn } from '../support/web.ts'

const anything: Search = {
  scope: '',
  kind: '',
  name: '',
  label: '',
  value: '',
  condition: '',
  after: null,
}

/** All pages of a search, one after the other; `meanwhile` runs after each. */
const allOf = async (
  sql: Sql,
  search: Partial<Search>,
  meanwhile: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ readonly keys: readonly string[]; readonly pages: number }> => {
  const reads = webReads(sql)
  const keys: string[] = []
  let after: Search['after'] = null
  let pages = 0
  do {
    const found: Found = await reads.search({ ...anything, ...search, after })
    keys.push(...found.rows.map((row) => `${row.scope} ${row.kind} ${row.name}`))
    after = found.next
    pages++
    await meanwhile(pages)
  } while (after !== null)
  return { keys, pages }
}

const decide = async (
  engine: Awaited<ReturnType<typeof testEngine>>['engine'],
  names: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const drafts = names.map((name) => create('thing', name, { a: 1 }, { labels }))
  const result = await engine.decide(say, { scope: 'acme', input: { drafts } })
  if (result.type !== 'decided') throw new Error(result.type)
}

const keyed = (names: readonly string[]): readonly string[] =>
  names.map((name) => `acme thing ${name}`).toSorted()

t.test('paging is complete and has nothing twice, also while rows come in', async (t) => {
  const { engine } = await testEngine(t, { providers: [scriptedProvider({})] })
  const names = Array.from({ length: 230 }, (_, i) => `n-${String(i).padStart(4, '0')}`)
  await decide(engine, names)
  const calm = await allOf(engine.sql, {})
  t.same(calm.keys, keyed(names))
  t.equal(calm.pages, Math.ceil(names.length / page_rows))
  // Before, at, and after the place where each page ends.
  const busy = await allOf(engine.sql, {}, (page) =>
    decide(engine, [`a-${page}`, `n-${String(50 * page - 1).padStart(4, '0')}-new`, `z-${page}`]),
  )
  t.equal(new Set(busy.keys).size, busy.keys.length, 'nothing twice')
  t.ok(
    keyed(names).every((key) => busy.keys.includes(key)),
    'nothing left out',
  )
  t.same(busy.keys, busy.keys.toSorted(), 'in order')
})

t.test('a name is searched for as it is typed: only * stands for anything', async (t) => {
  const { engine } = await testEngine(t, { providers: [scriptedProvider({})] })
  const names = [
    'web-1',
    'web-10',
    'my-web-1',
    'we%b',
    'we_b',
    'we\\b',
    'WEB-1',
    'wé',
    'w🦊b',
    "w'b",
  ]
  await decide(engine, names)
  const expected: readonly (readonly [string, readonly string[]])[] = [
    ['web-1', ['web-1', 'web-10']],
    ['*web-1', ['web-1', 'my-web-1']],
    ['*eb*', ['web-1', 'web-10', 'my-web-1']],
    ['web-*0', ['web-10']],
    ['*', names],
    ['we%', ['we%b']],
    ['we_', ['we_b']],
    ['we\\', ['we\\b']],
    ['*\\*', ['we\\b']],
    ['wé', ['wé']],
    ['w🦊', ['w🦊b']],
    ["w'", ["w'b"]],
    ['WEB', ['WEB-1']],
    ['nothing', []],
  ]
  for (const [name, found] of expected) {
    t.same((await allOf(engine.sql, { name })).keys.toSorted(), keyed(found), name)
  }
})

t.test(
  'scope, kind, label and condition narrow as if one had read all and left out the rest',
  async (t) => {
    const { sql } = await testDatabase(t)
    await seedResources(sql, 3_000)
    const rows = await sql<
      {
        scope: string
        kind: string
        name: string
        labels: Record<string, string>
        condition: string
        in_sync: boolean
      }[]
    >`select scope, kind, name, labels, condition, in_sync from foreword.resource`
    const searches: readonly Partial<Search>[] = [
      { scope: 'acme/prod' },
      { kind: 'ip' },
      { scope: 'acme/dev', kind: 'vm', name: 'r-1' },
      { label: 'role', value: 'web' },
      { label: 'role' },
      { label: 'tier', value: 'all', name: '*77*' },
      { condition: 'in_doubt' },
      { condition: 'in_doubt', scope: 'acme/test', name: 'r-2' },
      { condition: 'ready', kind: 'network', name: 'r-29' },
      { condition: 'out_of_sync' },
      { label: 'role', value: 'db' },
      { scope: 'nowhere' },
    ]
    for (const search of searches) {
      const { scope = '', kind = '', name = '', label = '', value = '', condition = '' } = search
      const fits = (text: string): boolean =>
        name.startsWith('*') ? text.includes(name.slice(1, -1)) : text.startsWith(name)
      const expected = rows.filter(
        (row) =>
          (scope === '' || row.scope === scope) &&
          (kind === '' || row.kind === kind) &&
          fits(row.name) &&
          (label === '' || row.labels[label] !== undefined) &&
          (value === '' || row.labels[label] === value) &&
          (condition === '' ||
            (condition === 'out_of_sync' ? !row.in_sync : row.condition === condition)),
      )
      const keys = expected.map((row) => `${row.scope} ${row.kind} ${row.name}`)
      const found = await allOf(sql, search)
      t.same(found.keys, keys.toSorted(), JSON.stringify(search))
    }
  },
)

/** Pages of tables and indexes that a search looks at. */
const pagesRead = async (sql: Sql, call: string): Promise<{ rows: number; pages: number }> => {
  // The first one of a session also reads the catalog.
  const rows = await sql.unsafe(`select * from foreword.search(${call})`)
  const [told] = await sql.unsafe<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }[]>(
    `explain (analyze, buffers, format json) select * from foreword.search(${call})`,
  )
  const plan = told?.['QUERY PLAN'][0]?.Plan ?? {}
  return {
    rows: rows.length,
    pages: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
  }
}

t.test('of 100,000 resources a search looks at those that it shows, and few besides', async (t) => {
  const { sql } = await testDatabase(t)
  await seedResources(sql, 100_000)
  // One page of results costs about twenty a row: what is wanted, assumed, observed, open, last, drifted.
  const bounds: readonly (readonly [string, number, number])[] = [
    ['', 50, 2_500],
    [`named => 'r-999'`, 50, 2_500],
    [`named => 'r-99998'`, 1, 500],
    [`'acme/prod', 'vm', 'r-999'`, 9, 1_000],
    [`'acme/test', 'vm', 'r-99998'`, 0, 300],
    [`'acme/dev', 'nothing'`, 0, 300],
    [`after => array['acme/prod', 'vm', 'r-5']`, 50, 2_500],
    [`of_kind => 'vm', after => array['acme/dev', 'vm', 'r-9']`, 50, 2_500],
    [`label => 'role', value => 'web'`, 50, 4_000],
    [`label => 'tier', value => 'all'`, 50, 4_000],
    [`in_condition => 'in_doubt'`, 50, 6_000],
    [`in_condition => 'ready'`, 50, 4_000],
    [`named => 'nothing'`, 0, 500],
  ]
  for (const [call, at_least, at_most] of bounds) {
    const { rows, pages } = await pagesRead(sql, call)
    t.comment(`search(${call}): ${rows} rows, ${pages} pages`)
    t.ok(rows >= at_least, `search(${call}) finds ${rows}`)
    t.ok(pages <= at_most, `search(${call}) looks at ${pages} pages, at most ${at_most}`)
  }
  const anywhere = await pagesRead(sql, `named => '*9999*'`)
  t.ok(anywhere.pages <= 4_000, `anywhere in the name: ${anywhere.pages} pages, the index only`)
})

t.test('what no index knows is looked for so far, and the answer says how far', async (t) => {
  const { sql } = await testDatabase(t)
  await seedResources(sql, 3_000)
  const reads = webReads(sql)
  const found = await reads.search({ ...anything, condition: 'rejected' })
  t.match(found, { rows: [], tired: true })
  const web = await webOn(t, sql)
  const { text } = await ask(web, '/resources?condition=rejected', { headers: await enter(web) })
  t.match(text, /Nothing up to here/)
  t.match(text, /Search on/)
  t.same((await allOf(sql, { condition: 'rejected' })).keys, [], 'and to the end')
})

t.test('whoever joins a view by key reads by key, however much there is', async (t) => {
  const { sql } = await testDatabase(t)
  await seedResources(sql, 20_000)
  const joins = [
    `(values ('acme/prod', 'vm', 'r-9999'), ('acme/dev', 'ip', 'r-7')) k (scope, kind, name)
      join foreword.resource r on r.scope = k.scope and r.kind = k.kind and r.name = k.name`,
    `(values (7::bigint), (8)) k (id) join foreword.intent r on r.id = k.id`,
    `(values (7::bigint), (8)) k (id) join foreword.entry r on r.id = k.id`,
  ]
  for (const join of joins) {
    const [told] = await sql.unsafe<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }[]>(
      `explain (analyze, buffers, format json) select r.* from ${join}`,
    )
    const plan = told?.['QUERY PLAN'][0]?.Plan ?? {}
    const pages = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
    t.ok(pages < 200, `${pages} pages: ${join}`)
  }
})

t.test('an address that asks for nonsense is answered as if it had not', async (t) => {
  const { sql } = await testDatabase(t)
  const web = await webOn(t, sql)
  const headers = await enter(web)
  const addresses = [
    '?after=a&after=b',
    '?after=a&after=b&after=c&after=d',
    '?condition=%27%3B--',
    `?name=${'x'.repeat(3_000)}`,
    '?name=%00&scope=%00',
    '?label==&label=',
    '?scope=%ff%fe',
    '?name=***********************************************b',
  ]
  for (const address of addresses) {
    const { status } = await ask(web, `/resources${address}`, { headers })
    t.equal(status, 200, address)
  }
})
