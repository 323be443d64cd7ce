/** Scopes as people name them: which one is meant, and whether anything is known of it. */
import { nearest } from '../domain/codec/nearest.ts'
import { Scope } from '../domain/codec/parts.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { harmless } from './print.ts'

const wrongUsage = (message: string, remedy: string): never => {
  throw new ForewordError(message, { remedy, exit_code: 2 })
}

/** Where there is only one, nobody has to say so. */
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

/** From one to the next by index: a million resources are of a handful of scopes. */
export const scopesOf = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql<{ scope: string }[]>`
    with recursive next as (
      (select r.scope from foreword.resource r order by r.scope limit 1)
      union all
      select n.scope
      from next p
      cross join lateral (
        select r.scope
        from foreword.resource r
        where r.scope > p.scope
        order by r.scope
        limit 1
      ) n
    )
    select n.scope
    from next n`
  return rows.map(({ scope }) => scope)
}

const isKnown = async (sql: Sql, scope: string): Promise<boolean> => {
  const rows = await sql`
    select from foreword.resource r where r.scope = ${scope} limit 1`
  return rows.length > 0
}

/** An empty answer about a scope is as good as it gets, or the scope was mistyped: says which. */
export const noteUnknown = async (
  context: Context,
  sql: Sql,
  scope: string,
  but = '',
): Promise<void> => {
  if (await isKnown(sql, scope)) return
  const like = nearest(scope, await scopesOf(sql))
  const meant = like === undefined ? '' : `; did you mean ${harmless(like)}?`
  context.note(`nothing is known of a scope ${harmless(scope)} yet${but}${meant}`)
}
