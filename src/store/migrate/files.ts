/** The SQL that this foreword ships: migrations, immutable, and `sql/`, which is rebuilt. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import Postgrator from 'postgrator'
import { codeOf, type TransactionSql } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

export interface SqlFile {
  readonly name: string
  readonly path: string
  readonly text: string
}

export interface Release {
  readonly version: string
  readonly migrations: readonly Postgrator.Migration[]
  readonly objects: readonly SqlFile[]
  /** Of all files: the same hash, the same schema. */
  readonly hash: string
}

/** Where the files lie. Default: beside `src` or `dist`. */
export interface Folders {
  readonly migrations?: string
  readonly sql?: string
}

const beside = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}`, import.meta.url)).replace(/\/$/, '')

const migration_table = 'foreword_private.migration'

/** glob would take a `[` in the path of a clone for a pattern. */
const literal = (folder: string): string => folder.replace(/[?*()[\]{}!+@\\]/g, '\\$&')

/** postgrator over one transaction: what it runs and records is committed with everything else. */
export const postgratorOn = (tx: TransactionSql | undefined, folder: string): Postgrator =>
  new Postgrator({
    driver: 'pg',
    schemaTable: migration_table,
    migrationPattern: `${literal(folder)}/*.sql`,
    // A checkout with CRLF is the same migration.
    newline: 'LF',
    execQuery: async (query) => {
      if (tx === undefined) throw new Error('this postgrator reads files only')
      return { rows: [...(await tx.unsafe(query))] }
    },
  })

const listed = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  } catch (error) {
    throw new ForewordError(`foreword's own SQL files cannot be read (${codeOf(error)})`, {
      where: folder,
      remedy: 'install foreword again; a bundler must leave it out (external)',
      cause: error,
    })
  }
}

const readAll = async (folder: string): Promise<readonly SqlFile[]> => {
  const names = await listed(folder)
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name)
      return { name, path: file, text: await readFile(file, 'utf8') }
    }),
  )
}

const hashOf = (files: readonly SqlFile[]): string => {
  const hash = createHash('sha256')
  for (const { name, text } of files) hash.update(`${name}\0${text.replaceAll('\r\n', '\n')}\0`)
  return hash.digest('hex')
}

const packageVersion = async (): Promise<string> => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string }
  return version
}

export const migrationsFolder = (folders: Folders): string =>
  folders.migrations ?? beside('migrations')

/** Reads everything that this foreword would put into a database. */
export const readRelease = async (folders: Folders = {}): Promise<Release> => {
  const migration_folder = migrationsFolder(folders)
  const migration_files = await readAll(migration_folder)
  const objects = await readAll(folders.sql ?? beside('sql'))
  const migrations = await postgratorOn(undefined, migration_folder).getMigrations()
  return {
    version: await packageVersion(),
    migrations: migrations
      .filter(({ action }) => action === 'do')
      .sort((a, b) => a.version - b.version),
    objects,
    hash: hashOf([...migration_files, ...objects]),
  }
}
