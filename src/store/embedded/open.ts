/**
 * The database of a machine without one: a Postgres of foreword's own under a directory of the
 * user's, started by whoever needs it first and stopped by its owner or by the last one out.
 */
import { mkdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, connectionError } from '../connect.ts'
import { findBinaries, ownPrograms, type Programs } from './binaries.ts'
import { ensureData, failed, urlOf, type Cluster } from './cluster.ts'
import { alreadyOwned, enter, isAlone, leave, own, type Presence } from './presence.ts'
import {
  aMoment,
  hasOurSettings,
  isSameData,
  isServer,
  readPidFile,
  startServer,
  stopServer,
} from './server.ts'
import { serverUser } from './user.ts'
import { ForewordError } from '../../domain/errors.ts'

export interface EmbeddedOptions {
  readonly directory: string
  /** `own`: foreword up, one per directory, stops the server when it closes. `join`: everyone else. */
  readonly mode: 'own' | 'join'
  /** False for tests only: nothing of the data is sure to be on disk. */
  readonly fsync?: boolean
  /** Another Postgres than foreword's own, for tests only: releases from 15 on are supported. */
  readonly programs?: Programs
}

export interface Embedded {
  readonly url: string
  /** The server's log file. */
  readonly log: string
  /** Whether this call started the server. */
  readonly started: boolean
  /** The owner stops the server; a joiner only if it is the last one. May be called twice. */
  close(): Promise<void>
}

const attach_timeout_ms = 90_000
const database = 'foreword'

interface Attached {
  readonly presence: Presence
  readonly port: number
  readonly started: boolean
}

/** What a refused connection means while a pid file is there. */
const passing = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'CONNECTION_CLOSED',
  '57P03',
  '57P01',
  '53300',
])

/** Enters a running server. 'absent': none runs, start one. 'wait': one is coming up or going down. */
const tryEnter = async (
  cluster: Cluster,
  onlost: () => void,
): Promise<{ presence: Presence; port: number } | 'absent' | 'wait'> => {
  const found = await readPidFile(cluster)
  if (found === undefined) return 'absent'
  const running = (): Promise<boolean> => isServer(cluster, found.pid)
  if (found.port === 0) return (await running()) ? 'wait' : 'absent'
  const url = await urlOf(cluster, found.port, 'postgres')
  try {
    const entered = await enter(url, (folder) => isSameData(cluster, folder), onlost)
    if (entered.type === 'present') return { presence: entered.presence, port: found.port }
    return entered.type === 'closing' ? 'wait' : 'absent'
  } catch (error) {
    if (passing.has(codeOf(error))) return (await running()) ? 'wait' : 'absent'
    // Something else has the port of a server that is gone; if ours lives, the password was changed.
    if (!(await running())) return 'absent'
    throw connectionError(url, error)
  }
}

const attach = async (cluster: Cluster, onlost: () => void): Promise<Attached> => {
  const deadline = Date.now() + attach_timeout_ms
  let started = false
  while (Date.now() < deadline) {
    const entered = await tryEnter(cluster, onlost)
    if (entered === 'absent') {
      const binaries = await findBinaries(cluster.programs.load)
      const user = await serverUser(cluster.data, binaries.root)
      await ensureData(cluster, binaries, user)
      started = await startServer(cluster, binaries, user)
      if (!started) await aMoment()
    } else if (entered === 'wait') {
      await aMoment()
    } else {
      return { ...entered, started }
    }
  }
  throw await failed(
    'the embedded Postgres does not let us in',
    cluster,
    0,
    'try again, or stop the server that runs there',
  )
}

/** A server that an older foreword left running goes on with its old settings, unless nobody would notice. */
const mustRestart = async (cluster: Cluster, attached: Attached): Promise<boolean> => {
  if (attached.started || (await hasOurSettings(cluster))) return false
  return isAlone(attached.presence)
}

const attachAsOwner = async (cluster: Cluster, onlost: () => void): Promise<Attached> => {
  const attached = await attach(cluster, onlost)
  const { presence } = attached
  const owner = await own(presence)
  if (owner !== undefined) {
    await presence.sql.end({ timeout: 1 })
    throw alreadyOwned(cluster.directory, owner)
  }
  if (!(await mustRestart(cluster, attached))) return attached
  await presence.sql.end({ timeout: 1 })
  await stopServer(cluster)
  return attachAsOwner(cluster, onlost)
}

const ensureDatabase = async ({ sql }: Presence): Promise<void> => {
  const rows = await sql`select 1 from pg_database where datname = ${database}`
  if (rows.length > 0) return
  try {
    await sql`create database ${sql(database)}`
  } catch (error) {
    // Another process saw it missing at the same moment.
    if (!['42P04', '23505'].includes(codeOf(error))) throw error
  }
}

const remedy_folder = 'make it a folder that you may write to, or name another one'

const unusable = (directory: string, error: unknown): ForewordError =>
  new ForewordError(`the folder for the embedded Postgres cannot be used (${codeOf(error)})`, {
    where: path.resolve(directory),
    remedy: remedy_folder,
    cause: error,
  })

/** Postgres has room for 1,023 bytes, its own names in there included. */
const path_bytes_max = 900

/** Postgres tells its folder in a line of its pid file, and cuts what is too long. */
const checkPath = (directory: string): void => {
  const bytes = Buffer.byteLength(directory)
  const what = /\p{Cc}/u.test(directory)
    ? 'has a control character in its path'
    : bytes > path_bytes_max
      ? `has a path of ${bytes} bytes, ${path_bytes_max} at most will do`
      : undefined
  if (what === undefined) return
  throw new ForewordError(`the folder for the embedded Postgres ${what}`, {
    where: directory,
    remedy: 'name another one',
    exit_code: 2,
  })
}

const refusals = new Set(
  'EACCES EPERM EROFS ENOSPC EDQUOT EIO EISDIR ENOTDIR ELOOP ENAMETOOLONG'.split(' '),
)

/** What the disk refuses to whoever makes or starts a Postgres there; anything else as it is. */
const refusedByDisk = (directory: string, error: unknown): unknown => {
  const takes_none =
    codeOf(error) === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'mkdir'
  return takes_none || refusals.has(codeOf(error)) ? unusable(directory, error) : error
}

const isFolder = async (folder: string): Promise<boolean> => {
  try {
    return (await stat(folder)).isDirectory()
  } catch {
    return false
  }
}

/** As mkdir's own `recursive`, which never ends where a folder that is there takes none, as /proc does. */
const makeFolder = async (folder: string): Promise<void> => {
  if (await isFolder(folder)) return
  await makeFolder(path.dirname(folder))
  try {
    await mkdir(folder, { mode: 0o755 })
  } catch (error) {
    // Somebody else has made it meanwhile.
    if (!(await isFolder(folder))) throw error
  }
}

const clusterIn = async (options: EmbeddedOptions): Promise<Cluster> => {
  checkPath(path.resolve(options.directory))
  try {
    await makeFolder(path.resolve(options.directory))
    // One spelling for all: who is present is told by what the server calls its data.
    const directory = await realpath(options.directory)
    return {
      directory,
      data: path.join(directory, 'postgres'),
      log: path.join(directory, 'postgres.log'),
      fsync: options.fsync ?? true,
      programs: options.programs ?? ownPrograms,
    }
  } catch (error) {
    throw unusable(options.directory, error)
  }
}

/**
 * Starts or joins the Postgres of a directory. Throws a ForewordError naming log and remedy when it
 * cannot be had, and one naming the owner's pid when `own` finds another owner alive.
 */
export const openEmbedded = async (options: EmbeddedOptions): Promise<Embedded> => {
  const cluster = await clusterIn(options)
  const attachAs = options.mode === 'own' ? attachAsOwner : attach
  let closing: Promise<void> | undefined
  let current: Attached | undefined

  /** The owner brings a server back that died or that somebody stopped: its pools reconnect by themselves. */
  const revive = (): void => {
    if (options.mode !== 'own' || closing !== undefined || current === undefined) return
    const lost = current
    current = undefined
    reviving = lost.presence.sql.end({ timeout: 0 }).then(async () => {
      current = await attachAs(cluster, revive)
    })
    // Whatever keeps the server from coming back is what every query of the owner now meets and tells.
    reviving.catch(() => undefined)
  }
  let reviving: Promise<void> = Promise.resolve()

  const attached = await attachAs(cluster, revive).catch((error: unknown) => {
    throw refusedByDisk(cluster.directory, error)
  })
  current = attached

  const shut = async (): Promise<void> => {
    await reviving.catch(() => undefined)
    if (current === undefined) return
    const { presence } = current
    try {
      // An error here: the owner has just stopped the server, and there is nothing left to leave.
      const last = options.mode === 'own' || (await leave(presence).catch(() => false))
      if (last) await stopServer(cluster)
    } finally {
      await presence.sql.end({ timeout: 1 })
    }
  }
  await ensureDatabase(attached.presence)
  return {
    url: await urlOf(cluster, attached.port, database),
    log: cluster.log,
    started: attached.started,
    close: () => (closing ??= shut()),
  }
}
