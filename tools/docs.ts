/**
 * `npm run docs`: writes docs/reference/, from what is there: the command line from its own program, SQL from the
 * comments of a migrated database, configuration and TypeScript from the compiler. Fails where something
 * public says nothing about itself. `test/docs/reference.test.ts` holds the files to it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connectSql } from '../src/store/connect.ts'
import { openEmbedded } from '../src/store/embedded/open.ts'
import { migrate } from '../src/store/migrate/migrate.ts'
import { references } from './docs-pages.ts'

const folder = path.resolve(import.meta.dirname, '../docs/reference')
const directory = await mkdtemp(path.join(tmpdir(), 'foreword-docs-'))
try {
  const server = await openEmbedded({ directory, mode: 'own', fsync: false })
  try {
    const sql = connectSql({ url: server.url, application_name: 'foreword:docs', max: 1 })
    await migrate(sql, { url: server.url })
    const { pages, unsaid } = await references(sql)
    await sql.end()
    await mkdir(folder, { recursive: true })
    for (const [name, text] of pages) await writeFile(path.join(folder, name), text)
    console.log(`${pages.size} pages written to docs/reference`)
    if (unsaid.length > 0) {
      console.error(`no comment says what these are:\n  ${unsaid.join('\n  ')}`)
      process.exitCode = 1
    }
  } finally {
    await server.close()
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
