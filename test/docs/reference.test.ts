/** docs/reference is what `npm run docs` makes, and everything public says what it is. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { references } from '../../tools/docs-pages.ts'
import { testDatabase } from '../support/database.ts'

t.test(
  'the reference is what is made from the code, and nothing public is without words',
  async (t) => {
    const { sql } = await testDatabase(t, { migrated: true })
    const { pages, unsaid } = await references(sql)
    t.same(unsaid, [], 'these say nothing about themselves')
    t.ok(pages.size > 0)
    for (const [name, text] of pages) {
      const kept = await readFile(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8')
      t.equal(kept === text, true, `docs/reference/${name} is as made: else npm run docs`)
    }
  },
)
