/** Users that log in, of a test's own: members of the roles that it names, or of none. */
import { randomBytes } from 'node:crypto'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import type { TestDatabase } from './database.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export interface Login extends TestDatabase {
  readonly user: string
}

/** The same database for another user. */
export const asUser = (url: string, user: string, password: string): string => {
  const at = new URL(url)
  at.username = user
  at.password = password
  return at.href
}

/** Made, and dropped when the test is over, by the owner of the database, who must be allowed to. */
export const loginAs = async (
  t: Teardown,
  db: { readonly url: string; readonly sql: Sql },
  roles: readonly string[],
): Promise<Login> => {
  const user = `test_${roles.join('_and_')}_${randomBytes(4).toString('hex')}`
  await db.sql.unsafe(`create role ${user} login password 'secret'`)
  t.teardown(async () => {
    await db.sql.unsafe(`drop owned by ${user}; drop role ${user}`)
  })
  for (const role of roles) await db.sql.unsafe(`grant ${role} to ${user}`)
  const url = asUser(db.url, user, 'secret')
  const sql = connectSql({ url, application_name: 'foreword:test', max: 2 })
  t.teardown(() => sql.end({ timeout: 5 }))
  return { user, url, sql }
}
