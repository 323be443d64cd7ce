/** The server process of the embedded Postgres: found, started, stopped. */
import { execFile, type ChildProcess } from 'node:child_process'
import { readFile, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { codeOf } from '../connect.ts'
import type { Binaries } from './binaries.ts'
import { failed, lastWords, openLog, writeOwned, type Cluster } from './cluster.ts'
import { spawnAs, type ServerUser } from './user.ts'
import { portOfConf, renderConf } from '../settings.ts'
import { ForewordError } from '../../domain/errors.ts'

const poll_interval_ms = 20
/** Recovery after a crash reads the write-ahead log since the last checkpoint: minutes at worst. */
const start_timeout_ms = 60_000
const stop_timeout_ms = 60_000
/** The log is moved aside when a start finds it larger than this. */
const log_bytes_max = 10_000_000

/** postmaster.pid as Postgres writes it. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  readonly ready: boolean
}

const pidFilePath = (cluster: Cluster): string => path.join(cluster.data, 'postmaster.pid')
const confPath = (cluster: Cluster): string => path.join(cluster.data, 'postgresql.conf')

/** Undefined: no server runs, or it is not as far as to have told its port. */
export const readPidFile = async (cluster: Cluster): Promise<PidFile | undefined> => {
  const text = await readFile(pidFilePath(cluster), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return ''
    throw error
  })
  const lines = text.split('\n')
  const [pid, port] = [Number(lines[0] ?? 0), Number(lines[3] ?? 0)]
  return pid > 0 ? { pid, port, ready: lines[7]?.trim() === 'ready' } : undefined
}

/** The command line of a process; undefined: there is no such process. `ps` where there is no /proc. */
const commandOf = async (pid: number): Promise<string | undefined> => {
  if (process.platform === 'linux') {
    const file = `/proc/${String(pid)}/cmdline`
    const text = await readFile(file, 'utf8').catch(() => undefined)
    return text?.replaceAll('\0', ' ').trim()
  }
  return promisify(execFile)('ps', ['-p', String(pid), '-o', 'command=']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
}

/** Whether a folder is the one with our data. A folder that is no more may be ours under its former name. */
export const isSameData = async (cluster: Cluster, folder: string): Promise<boolean> => {
  const [theirs, ours] = await Promise.all([
    stat(folder).catch(() => undefined),
    stat(cluster.data),
  ])
  return theirs === undefined || (theirs.dev === ours.dev && theirs.ino === ours.ino)
}

/** Whether a process is the server of these data. After a reboot any program may have its number. */
export const isServer = async (cluster: Cluster, pid: number): Promise<boolean> => {
  const folder = /postgres -D (.+)$/.exec((await commandOf(pid)) ?? '')?.[1]
  return folder !== undefined && isSameData(cluster, folder)
}

/**
 * Postgres removes the pid file of a dead server itself, but takes any living process of its user
 * for the server: in a container that was restarted a low number is soon in use again. The same
 * holds for a pid file that was copied with its folder while the original ran.
 */
const removeForeignPidFile = async (cluster: Cluster): Promise<void> => {
  const found = await readPidFile(cluster)
  if (found === undefined || (await commandOf(found.pid)) === undefined) return
  if (!(await isServer(cluster, found.pid))) await rm(pidFilePath(cluster), { force: true })
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => {
      resolve(false)
    })
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true)
      })
    })
  })

const anyFreePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })

/** Whether the running server was started with the settings of this foreword. */
export const hasOurSettings = async (cluster: Cluster): Promise<boolean> => {
  const conf = await readFile(confPath(cluster), 'utf8').catch(() => '')
  const port = portOfConf(conf)
  return port !== undefined && conf === renderConf({ port, fsync: cluster.fsync })
}

/** The port of last time while it is free, so that URLs in people's shells stay true. */
const writeConf = async (cluster: Cluster, user: ServerUser): Promise<number> => {
  const conf = await readFile(confPath(cluster), 'utf8').catch(() => '')
  const kept = portOfConf(conf)
  const port = kept !== undefined && (await isFree(kept)) ? kept : await anyFreePort()
  const wanted = renderConf({ port, fsync: cluster.fsync })
  if (conf !== wanted) await writeOwned(user, confPath(cluster), wanted)
  return port
}

const rotateLog = async (cluster: Cluster): Promise<void> => {
  const { size } = await stat(cluster.log).catch(() => ({ size: 0 }))
  if (size > log_bytes_max) await rename(cluster.log, `${cluster.log}.1`)
}

const untilReady = async (cluster: Cluster, child: ChildProcess): Promise<'ready' | 'ended'> => {
  const deadline = Date.now() + start_timeout_ms
  // Without a listener a program that cannot be run would end us as well; it has no pid then.
  child.on('error', () => undefined)
  const ended = (): boolean =>
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  while (Date.now() < deadline) {
    if (ended()) return 'ended'
    const found = await readPidFile(cluster)
    if (found?.pid === child.pid && found?.ready === true) return 'ready'
    await pause(poll_interval_ms)
  }
  throw await failed(
    `the embedded Postgres is not ready after ${String(start_timeout_ms / 1000)} s`,
    cluster,
    0,
    'it may be recovering from a crash: try again in a minute',
  )
}

/**
 * Starts the server and waits until it takes connections. False: another process was faster, and
 * Postgres itself let only one of them have the data; join that one.
 */
export const startServer = async (
  cluster: Cluster,
  binaries: Binaries,
  user: ServerUser,
): Promise<boolean> => {
  await rotateLog(cluster)
  await removeForeignPidFile(cluster)
  const log = await openLog(cluster, user)
  try {
    for (let tries = 1; ; tries += 1) {
      const { size } = await log.stat()
      const port = await writeConf(cluster, user)
      const child = spawnAs(user, binaries.postgres, ['-D', cluster.data], log.fd)
      child.unref()
      if ((await untilReady(cluster, child)) === 'ready') return true
      const found = await readPidFile(cluster)
      if (found !== undefined && (await isServer(cluster, found.pid))) return false
      // The faster one may be gone again; or a killed server's last processes are about to end.
      const reason = await lastWords(cluster, size)
      if (/lock file .* already exists|still in use/.test(reason)) return false
      // Between our look and its start somebody else may have taken the port.
      if (tries < 3 && !(await isFree(port))) continue
      throw await failed('the embedded Postgres does not start', cluster, size, remedyOfStart)
    }
  } finally {
    await log.close()
  }
}
const remedyOfStart = 'mend what the log tells, or set `database` to another Postgres'

const signal = (pid: number, name: 'SIGINT' | 'SIGQUIT'): boolean => {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

const untilGone = async (cluster: Cluster, pid: number, deadline: number): Promise<boolean> => {
  while (Date.now() < deadline) {
    // Removing its pid file is the last thing a server does.
    if ((await readPidFile(cluster))?.pid !== pid) return true
    if ((await commandOf(pid)) === undefined) return true
    await pause(poll_interval_ms)
  }
  return false
}

/** Stops the server: all sessions are ended, everything is on disk, the next start needs no recovery. */
export const stopServer = async (cluster: Cluster): Promise<void> => {
  const found = await readPidFile(cluster)
  if (found === undefined || !(await isServer(cluster, found.pid))) return
  if (!signal(found.pid, 'SIGINT')) return
  if (await untilGone(cluster, found.pid, Date.now() + stop_timeout_ms)) return
  // Loses nothing, but leaves the tidying to the recovery at the next start.
  signal(found.pid, 'SIGQUIT')
  if (await untilGone(cluster, found.pid, Date.now() + stop_timeout_ms)) return
  throw new ForewordError(`the embedded Postgres (pid ${String(found.pid)}) does not stop`, {
    where: `log ${cluster.log}`,
    remedy: `see what it is busy with, then kill -QUIT ${String(found.pid)}`,
  })
}

/** Waits a moment: for a server that starts, recovers or stops in another process's hands. */
export const aMoment = (): Promise<void> => pause(poll_interval_ms)
