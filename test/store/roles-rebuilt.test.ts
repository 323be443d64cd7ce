/** What a rebuild of views and functions does to the rights on them. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { migrate } from '../../src/store/migrate/migrate.ts'
import { testDatabase } from '../support/database.ts'
import { loginAs } from '../support/login.ts'

/** The files of this release and one more: a database that has them is rebuilt. */
const laterRelease = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreword-roles-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp(path.resolve(import.meta.dirname, '../../sql'), folder, { recursive: true })
  await writeFile(
    path.join(folder, '800_more.sql'),
    'create view foreword.more as select 1 as one;',
  )
  return folder
}

t.test(
  'a rebuild keeps the rights of others, and gives roles what the release gives',
  async (t) => {
    const db = await testDatabase(t)
    const mine = await loginAs(t, db, [])
    await db.sql.unsafe(`
    grant usage on schema foreword to ${mine.user};
    grant select on foreword.intent to ${mine.user};
    grant execute on function foreword.committed(uuid) to ${mine.user};
    grant execute on all functions in schema foreword to foreword_reader, public;
    grant insert, select on foreword.schedule to foreword_decider`)
    t.match(await migrate(db.sql, { url: db.url, sql: await laterRelease(t) }), { rebuilt: true })
    const may = async (user: string): Promise<readonly boolean[]> => {
      const [row] = await db.sql<{ may: readonly boolean[] }[]>`
      select array[
        has_table_privilege(${user}, 'foreword.intent', 'select'),
        has_table_privilege(${user}, 'foreword.schedule', 'insert'),
        has_table_privilege(${user}, 'foreword.more', 'select'),
        has_function_privilege(${user}, 'foreword.committed(uuid)', 'execute'),
        has_function_privilege(${user}, 'foreword.prepare(text, text, text[])', 'execute')
      ] as may`
      return row?.may ?? []
    }
    t.same(await may(mine.user), [true, false, false, true, false], 'his own, and nothing new')
    t.same(await may('foreword_reader'), [true, false, true, false, false])
    t.same(await may('foreword_decider'), [false, false, false, true, true])
  },
)
