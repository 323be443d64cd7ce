/** What a login may do with each relation: by the catalog, and by trying. */
import { codeOf, type Sql } from '../../src/store/connect.ts'
import type { Login } from '../support/login.ts'

const verbs = ['select', 'insert', 'update', 'delete', 'truncate'] as const
type Verb = (typeof verbs)[number]

/** The SQLSTATE that a statement ends with; '' where it works. */
export const endOf = (sql: Sql, text: string): Promise<string> =>
  sql.unsafe(text).then(() => '', codeOf)

interface Relation {
  readonly name: string
  readonly column: string
  readonly is_table: boolean
}

export const relationsOf = (sql: Sql): Promise<readonly Relation[]> => sql<Relation[]>`
  select
    n.nspname || '.' || c.relname as name,
    quote_ident(a.attname) as column,
    c.relkind <> 'v' as is_table
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
  where
    (n.nspname = 'foreword_private' and c.relkind in ('r', 'p'))
    or (n.nspname = 'foreword' and c.relkind in ('v', 'm'))
  order by 1`

/** Each needs the right of its verb and no other. */
const trial = (verb: Verb, { name, column, is_table }: Relation): string =>
  ({
    select: is_table ? `select from ${name} limit 1` : `select * from ${name}`,
    insert: `insert into ${name} default values`,
    update: `update ${name} set ${column} = default where false`,
    delete: `delete from ${name} where false`,
    truncate: `truncate ${name}`,
  })[verb]

/** No right; and, asked before the rights are, a view or a column of it that nobody could write. */
const refusals = (is_table: boolean): readonly string[] =>
  is_table ? ['42501'] : ['42501', '55000', '42809', '428C9']

const written = (may: readonly boolean[]): string =>
  verbs.map((verb, i) => (may[i] === true ? verb.charAt(0) : '-')).join('')

/** What a user may do with a relation, by the catalog and by trying. */
export const rightsOn = async (
  { sql }: Pick<Login, 'sql'>,
  relation: Relation,
): Promise<{ readonly told: string; readonly tried: string }> => {
  const told: boolean[] = []
  const tried: boolean[] = []
  for (const verb of verbs) {
    const [row] = await sql<{ may: boolean }[]>`
      select has_table_privilege(c.oid, ${verb}) as may
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname || '.' || c.relname = ${relation.name}`
    told.push(row?.may === true)
    const end = await endOf(sql, trial(verb, relation))
    tried.push(!refusals(relation.is_table).includes(end))
  }
  return { told: written(told), tried: written(tried) }
}
