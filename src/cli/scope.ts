/** The scope that is meant; where there is only one, nobody has to say so. */
import { Scope } from '../domain/codec-parts.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Sql } from '../store/connect.ts'

const wrongUsage = (message: string, remedy: string): never => {
  throw new ForewordError(message, { remedy, exit_code: 2 })
}

export const scopeOf = async (sql: Sql, given: string | undefined): Promise<string> => {
  if (given !== undefined) {
    if (!Scope.is(given))
      wrongUsage(`${JSON.stringify(given)} is no scope`, 'use letters, digits and _ . : / -')
    return given
  }
  const rows = await sql<{ scope: string }[]>`
    select distinct r.scope from foreword.resource r order by r.scope limit 2`
  const [only] = rows
  if (only !== undefined && rows.length === 1) return only.scope
  return wrongUsage(
    rows.length === 0 ? 'in which scope?' : 'in which of the scopes?',
    'say --scope SCOPE',
  )
}
