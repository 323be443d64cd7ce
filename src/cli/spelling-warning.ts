/** Says before anything is wanted that what looks like one resource would be two. */
import type { ResourceName } from '../domain/ports.ts'
import { resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import { otherSpellings, spelledTwice, spellingOf } from '../domain/spelling.ts'
import type { Renaming } from '../reconcile/rename.ts'
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { harmless, plural } from './print.ts'

interface Wanted {
  readonly rows: readonly ResourceName[]
  readonly renamed: readonly Renaming[]
}

const told_max = 5

/** What is there under another spelling of these, and is not about to be renamed. Asks nothing where all is ASCII. */
const thereAlready = async (
  sql: Sql,
  wanted: readonly Wanted[],
): Promise<readonly ResourceName[]> => {
  const others = wanted.flatMap(({ rows, renamed }) => {
    const olds = new Set(renamed.map(({ kind, from }) => resourceKey({ kind, name: from })))
    return rows.flatMap(({ scope, kind, name }) =>
      otherSpellings(name)
        .map((other) => ({ scope, kind, name: other }))
        .filter((other) => !olds.has(resourceKey(other))),
    )
  })
  if (others.length === 0) return []
  const ids = others.map(({ scope, kind, name }) => resourceId(scope, kind, name))
  return sql<ResourceName[]>`
    select r.scope, r.kind, r.name
    from foreword_private.resource o
    join foreword.resource r on r.scope = o.scope and r.kind = o.kind and r.name = o.name
    where o.id = any (${ids}::uuid[]) and (r.desired is not null or r.assumed is not null)`
}

export const warnOfSpellings = async (
  context: Context,
  sql: Sql,
  wanted: readonly Wanted[],
): Promise<void> => {
  const rows = wanted.flatMap(({ rows: of_stack }) => of_stack)
  const groups = spelledTwice([...rows, ...(await thereAlready(sql, wanted))])
  for (const group of groups.slice(0, told_max)) {
    const [one] = group
    if (one === undefined) continue
    const forms = group.map(({ name }) => spellingOf(name)).join(' and ')
    context.complain(
      harmless(
        `foreword: warning: ${resourceKey(one)} is spelled in ${group.length} ways that look the same (Unicode ${forms}), ` +
          `which are ${group.length} resources, scope ${one.scope}; spell it in one way, or say renamed_from`,
      ),
    )
  }
  const more = groups.length - told_max
  if (more > 0) context.complain(`foreword: warning: … and ${plural(more, 'more name')} like that`)
}
