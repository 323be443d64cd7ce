import fc from 'fast-check'
import t from 'tap'
import { resourceId } from '../../src/domain/resource-id.ts'
import { testDatabase } from '../support/database.ts'

t.test('TypeScript and SQL give a resource the same id', async (t) => {
  const { sql } = await testDatabase(t)
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !/\p{Cc}/u.test(s))
  const names = fc.sample(fc.tuple(name, name, name), 200)
  const rows = await sql<{ id: string }[]>`
    select foreword_code.resource_id(n.scope, n.kind, n.name) as id
    from unnest(
      ${names.map((n) => n[0])}::text[],
      ${names.map((n) => n[1])}::text[],
      ${names.map((n) => n[2])}::text[]
    ) with ordinality as n (scope, kind, name, at)
    order by n.at`
  t.same(
    rows.map((row) => row.id),
    names.map((n) => resourceId(...n)),
  )
})
