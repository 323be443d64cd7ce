import t from 'tap'
import type { Sql } from '../../src/store/connect.ts'
import { copyRows, type CopiedRow } from '../../src/store/audit/copy-rows.ts'
import { testDatabase } from '../support/database.ts'

const copied = async <A>(sql: Sql, query: string, visit: (row: CopiedRow) => A): Promise<A[]> => {
  const rows: A[] = []
  await sql.begin((tx) => copyRows(tx, query, (row) => rows.push(visit(row))))
  return rows
}

t.test('a copy tells of every row what a query does', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const query = `
    select
      i::bigint * 4000000000 - 7 as large,
      i % 2 = 0 as even,
      case when i % 3 > 0 then repeat('ä', i % 50) end as text
    from generate_series(-3, 60000) i`
  const rows = await copied(sql, query, (row) => ({
    large: row.int64(0),
    even: row.boolean(1),
    text: row.isNull(2) ? null : row.text(2),
  }))
  t.strictSame(
    rows,
    (await sql.unsafe<{ large: number; even: boolean; text: string | null }[]>(query)).map(
      (row) => ({ ...row }),
    ),
  )
})

t.test('rows of any size come whole, and the connection is free afterwards', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const lengths = await sql.begin(async (tx) => {
    const all: number[] = []
    const query = `select repeat('x', i * 50000), i from generate_series(0, 20) i`
    await copyRows(tx, query, (row) => all.push(row.text(0).length))
    const [row] = await tx<{ one: number }[]>`select 1 as one`
    return [...all, row?.one]
  })
  t.strictSame(lengths, [...Array.from({ length: 21 }, (_, i) => i * 50_000), 1])
  t.strictSame(await copied(sql, 'select 1 where false', () => 0), [])
})

t.test('a key is the same for the same columns, and for no others', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const query = `
    select a, b, 1
    from (values ('x', 'yz'), ('xy', 'z'), ('x', 'yz'), (null, 'xyz'), ('', 'xyz')) as v (a, b)`
  const keys = await copied(sql, query, (row) => row.key(0, 1))
  t.equal(keys[0], keys[2])
  t.equal(new Set(keys).size, 4)
})

t.test('a query that fails while rows come is an error', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const query = `select 1 / (5000 - i) from generate_series(1, 9000) i`
  await t.rejects(
    copied(sql, query, () => 0),
    { code: '22012' },
  )
  t.equal((await sql`select 1`).length, 1)
})
