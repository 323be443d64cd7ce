/** docs/reference/sql.md, from the comments of a migrated database. */
import type { Sql } from '../src/store/connect.ts'
import { cell, codeCell, type Reference } from './docs-text.ts'

interface View {
  readonly name: string
  readonly says: string | null
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly says: string | null
  }[]
}

interface Routine {
  readonly name: string
  readonly takes: string
  readonly returns: string
  readonly says: string | null
}

const viewsOf = (sql: Sql): Promise<readonly View[]> => sql<View[]>`
  select
    c.relname as name,
    obj_description(c.oid, 'pg_class') as says,
    (
      select json_agg(
        json_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, a.atttypmod),
          'says', col_description(c.oid, a.attnum)
        )
        order by a.attnum
      )
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
  from pg_class c
  where c.relnamespace = 'foreword'::regnamespace and c.relkind in ('v', 'm')
  order by c.relname collate "C"`

const routinesOf = (sql: Sql): Promise<readonly Routine[]> => sql<Routine[]>`
  select
    p.proname as name,
    pg_get_function_arguments(p.oid) as takes,
    pg_get_function_result(p.oid) as returns,
    obj_description(p.oid, 'pg_proc') as says
  from pg_proc p
  where p.pronamespace = 'foreword'::regnamespace
  order by p.proname collate "C", pg_get_function_arguments(p.oid) collate "C"`

const viewText = ({ name, says, columns }: View): string =>
  `### foreword.${name}\n\n${says ?? ''}\n\n| column | type | |\n| --- | --- | --- |\n${columns
    .map((column) => `| ${codeCell(column.name)} | ${column.type} | ${cell(column.says ?? '')} |\n`)
    .join('')}\n`

const routineText = ({ name, takes, returns, says }: Routine): string =>
  `### foreword.${name}\n\n\`(${takes})\` → \`${returns}\`\n\n${says ?? ''}\n\n`

export const sqlReference = async (sql: Sql): Promise<Reference> => {
  const [views, routines] = [await viewsOf(sql), await routinesOf(sql)]
  const columns = views.flatMap((view) =>
    view.columns.map(({ name, says }) => ({ name: `${view.name}.${name}`, says })),
  )
  const unsaid = [...views, ...columns, ...routines]
    .filter(({ says }) => (says ?? '') === '')
    .map(({ name }) => `foreword.${name} (sql/)`)
  const text =
    `# SQL\n\nThe views and functions of schema \`foreword\`. Columns may be added to views; none goes.\n` +
    `[sql.md](../sql.md) shows how to decide with them.\n\n## Views\n\n` +
    views.map(viewText).join('') +
    `## Functions\n\n` +
    routines.map(routineText).join('')
  return { text, unsaid }
}
