/** Makes mutants: functions in a database, files in a copy of src. A text that is not there once is an error. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Sql, TransactionSql } from '../../src/store/connect.ts'
import type { Edit, Mutant } from './mutants.ts'

const edited = (text: string, edits: readonly Edit[], where: string): string =>
  edits.reduce((before, { from, to }) => {
    const parts = before.split(from)
    if (parts.length !== 2) throw new Error(`${where}: found ${parts.length - 1} times: ${from}`)
    return parts.join(to)
  }, text)

export const mutateDatabase = async (
  sql: Sql | TransactionSql,
  { name, functions }: Mutant,
): Promise<void> => {
  for (const [called, edits] of Object.entries(functions ?? {})) {
    const [found, ...others] = await sql<{ text: string }[]>`
      select pg_get_functiondef(p.oid) as text
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'foreword_code' and p.proname = ${called}`
    if (found === undefined || others.length > 0) throw new Error(`${name}: no function ${called}`)
    await sql.unsafe(edited(found.text, edits, `${name}: ${called}`))
  }
}

const repository = path.resolve(import.meta.dirname, '../..')

/** The room of a mutant: that of a copy with its src beside it. `whole`, or only SQL: this directory. */
export const makeRoom = (
  { name, files }: Mutant,
  whole: boolean,
): { room: string; remove: () => void } => {
  if (files === undefined || whole) return { room: import.meta.dirname, remove: () => undefined }
  const copy = mkdtempSync(path.join(tmpdir(), 'foreword-mutant-'))
  for (const part of ['src', 'sql', 'migrations', 'test/torture', 'package.json']) {
    cpSync(path.join(repository, part), path.join(copy, part), { recursive: true })
  }
  symlinkSync(path.join(repository, 'node_modules'), path.join(copy, 'node_modules'))
  for (const [file, edits] of Object.entries(files)) {
    const at = path.join(copy, 'src', file)
    writeFileSync(at, edited(readFileSync(at, 'utf8'), edits, `${name}: ${file}`))
  }
  return {
    room: path.join(copy, 'test/torture'),
    remove: () => {
      rmSync(copy, { recursive: true, force: true })
    },
  }
}
