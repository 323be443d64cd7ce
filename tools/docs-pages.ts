/** The pages of docs/reference, as prettier leaves them, and what public things say nothing about themselves. */
import { format, resolveConfig } from 'prettier'
import type { Sql } from '../src/store/connect.ts'
import { cliReference } from './docs-cli.ts'
import { sqlReference } from './docs-sql.ts'
import type { Reference } from './docs-text.ts'
import { configReference, typescriptReference } from './docs-types.ts'

const made = '<!-- Made by `npm run docs`: change what it is made from. -->\n\n'

export const references = async (
  sql: Sql,
): Promise<{
  readonly pages: ReadonlyMap<string, string>
  readonly unsaid: readonly string[]
}> => {
  const all: readonly (readonly [string, Reference])[] = [
    ['cli.md', cliReference()],
    ['sql.md', await sqlReference(sql)],
    ['config.md', configReference()],
    ['typescript.md', typescriptReference()],
  ]
  const options = await resolveConfig(import.meta.filename)
  const pages = new Map<string, string>()
  for (const [name, { text }] of all) {
    pages.set(name, await format(made + text, { ...options, parser: 'markdown' }))
  }
  return { pages, unsaid: all.flatMap(([, { unsaid }]) => unsaid) }
}
