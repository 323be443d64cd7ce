/** The data directory of the embedded Postgres: made whole or not at all, and recognised as ours. */
import { randomBytes } from 'node:crypto'
import {
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../connect.ts'
import type { Binaries, Programs } from './binaries.ts'
import { spawnAs, type ServerUser } from './user.ts'
import { ForewordError } from '../../domain/errors.ts'

const superuser = 'foreword'

export interface Cluster {
  /** What the user named; it holds `postgres` (the data) and `postgres.log`. */
  readonly directory: string
  readonly data: string
  readonly log: string
  readonly fsync: boolean
  /** What makes the data and runs the server. */
  readonly programs: Programs
}

const passwordFile = (data: string): string => path.join(data, 'foreword.password')

/** A file of the server's user: root makes it, the server reads it. */
export const writeOwned = async (user: ServerUser, file: string, text: string): Promise<void> => {
  const fresh = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(fresh, text, { mode: 0o600 })
  if (user.foreign) await chown(fresh, user.uid, user.gid)
  // Renamed into place: a server that starts at this moment reads the old one or the new one.
  await rename(fresh, file)
}

export const openLog = async (cluster: Cluster, user: ServerUser): Promise<FileHandle> => {
  const log = await open(cluster.log, 'a', 0o640)
  if (user.foreign) await log.chown(user.uid, user.gid)
  return log
}

/** The line of the log that says why, from `offset` on: the last fatal one, else the last one. */
export const lastWords = async (cluster: Cluster, offset: number): Promise<string> => {
  const written = await readFile(cluster.log).catch(() => Buffer.alloc(0))
  const lines = written.subarray(offset).toString('utf8').split('\n')
  const told = lines.map((line) => line.trim()).filter((line) => line !== '')
  const reason = told.findLast((line) => /\b(FATAL|PANIC|error):/.test(line)) ?? told.at(-1)
  return reason ?? 'it says nothing'
}

export const failed = async (
  what: string,
  cluster: Cluster,
  offset: number,
  remedy: string,
): Promise<ForewordError> =>
  new ForewordError(`${what}: ${await lastWords(cluster, offset)}`, {
    where: `log ${cluster.log}`,
    remedy,
  })

/** The pid is in the name: what a crash left is told from what another process is making now. */
const makingPrefix = 'postgres.making-'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

const removeLeftovers = async (cluster: Cluster): Promise<void> => {
  const names = await readdir(cluster.directory)
  for (const name of names.filter((candidate) => candidate.startsWith(makingPrefix))) {
    const leftover = path.join(cluster.directory, name)
    const made = await stat(leftover).catch(() => undefined)
    if (made === undefined) continue
    const pid = Number(/^\d+/.exec(name.slice(makingPrefix.length))?.[0] ?? 0)
    const ten_minutes_ago = Date.now() - 10 * 60_000
    if (isAlive(pid) && made.mtimeMs > ten_minutes_ago) continue
    await rm(leftover, { recursive: true, force: true })
  }
}

/** Sorted by code point, on every machine alike: an upgraded libc cannot corrupt an index. */
const localeOf = ({ major_version }: Programs): readonly string[] => [
  '--no-locale',
  // Before 17 there is only libc's C: sorted alike, but it knows no letters beyond ASCII.
  ...(major_version < 17 ? [] : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']),
]

const initdb = async (
  cluster: Cluster,
  binaries: Binaries,
  user: ServerUser,
  making: string,
  password_file: string,
): Promise<void> => {
  const log = await openLog(cluster, user)
  try {
    const { size } = await log.stat()
    const args = [
      '--pgdata',
      making,
      `--username=${superuser}`,
      `--pwfile=${password_file}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...localeOf(cluster.programs),
      '--no-instructions',
      ...(cluster.fsync ? [] : ['--no-sync']),
    ]
    const child = spawnAs(user, binaries.initdb, args, log.fd)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('exit', resolve)
      child.once('error', reject)
    }).catch((error: unknown) => {
      throw new ForewordError('the embedded Postgres does not run on this system', {
        where: binaries.initdb,
        remedy: 'it needs glibc on Linux (Alpine has none); set `database` to another Postgres',
        cause: error,
      })
    })
    if (code === 0) return
    throw await failed(
      'the embedded Postgres cannot be set up',
      cluster,
      size,
      'free disk space or memory as it asks for, or set `database`',
    )
  } finally {
    await log.close()
  }
}

/** Data that initdb began and that are complete once they have their name. Two at once: one is thrown away. */
const make = async (cluster: Cluster, binaries: Binaries, user: ServerUser): Promise<void> => {
  const unique = `${makingPrefix}${String(process.pid)}-${randomBytes(4).toString('hex')}`
  const making = path.join(cluster.directory, unique)
  const password_file = `${making}.password`
  try {
    await mkdir(making, { mode: 0o700 })
    if (user.foreign) await chown(making, user.uid, user.gid)
    await writeOwned(user, password_file, randomBytes(24).toString('hex'))
    await initdb(cluster, binaries, user, making, password_file)
    await rename(password_file, passwordFile(making))
    await rename(making, cluster.data)
  } catch (error) {
    const overtaken = ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))
    if (!overtaken) throw error
  } finally {
    await rm(making, { recursive: true, force: true })
    await rm(password_file, { force: true })
  }
}

const moveAway = (cluster: Cluster): string =>
  `move ${cluster.data} away; the next start makes it anew`

/** Data that are there must be of this version, complete, and readable by us. */
const recognise = async (cluster: Cluster): Promise<void> => {
  const uid = process.getuid?.() ?? 0
  const owner = (await stat(cluster.data)).uid
  if (uid !== 0 && owner !== uid) {
    throw new ForewordError(`the embedded Postgres belongs to uid ${String(owner)}`, {
      where: cluster.data,
      remedy: 'run as that user or as root, or use a directory of your own',
    })
  }
  const version = await readFile(path.join(cluster.data, 'PG_VERSION'), 'utf8').catch(() => '')
  const made = await stat(passwordFile(cluster.data)).catch(() => undefined)
  if (version === '' || made === undefined) {
    throw new ForewordError('this is not a database that foreword made, or parts of it are gone', {
      where: cluster.data,
      remedy: `restore it from a backup, or ${moveAway(cluster)}`,
    })
  }
  const { major_version } = cluster.programs
  if (version.trim() !== String(major_version)) {
    throw new ForewordError(
      `the data are of Postgres ${version.trim()}, this foreword brings ${String(major_version)}`,
      {
        where: cluster.data,
        remedy: `pg_dump them with the foreword that made them and restore the dump here, or ${moveAway(cluster)}`,
      },
    )
  }
}

const isAbsentOrEmpty = async (directory: string): Promise<boolean> => {
  try {
    return (await readdir(directory)).length === 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    if (codeOf(error) === 'EACCES') return false
    throw error
  }
}

/** Makes the data directory unless it is there, and refuses one that this foreword cannot run. */
export const ensureData = async (
  cluster: Cluster,
  binaries: Binaries,
  user: ServerUser,
): Promise<void> => {
  if (await isAbsentOrEmpty(cluster.data)) {
    await removeLeftovers(cluster)
    await make(cluster, binaries, user)
  }
  await recognise(cluster)
}

/** Where a client connects. The password lies with the data, so that they can only be found together. */
export const urlOf = async (cluster: Cluster, port: number, database: string): Promise<string> => {
  const password = (await readFile(passwordFile(cluster.data), 'utf8')).trim()
  return `postgres://${superuser}:${password}@127.0.0.1:${String(port)}/${database}`
}
