/**
 * Who runs the embedded Postgres. It refuses root, so root runs it as another user, and that user
 * must reach the data and the programs even where the clone lies in a private folder.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { codeOf } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

const run = promisify(execFile)

export interface ServerUser {
  readonly uid: number
  readonly gid: number
  /** We are root and must become this user; else we are it already. */
  readonly foreign: boolean
  /** What stands before each command: `setpriv …`, or nothing. */
  readonly prefix: readonly string[]
}

/** Nobody's PG* variables may steer our server to other data; the rest of the environment is of no use to it. */
const environment = (): Record<string, string> => {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR']
  const inherited = kept.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(inherited), LC_ALL: 'C', TZ: 'UTC' }
}

const identity = async (name: string): Promise<{ uid: number; gid: number } | undefined> => {
  try {
    const uid = Number((await run('id', ['-u', name])).stdout)
    const gid = Number((await run('id', ['-g', name])).stdout)
    return uid > 0 ? { uid, gid } : undefined
  } catch {
    return undefined
  }
}

/** macOS has nobody = -2, which reads as no number above 0; there `postgres` or the owner of the data must do. */
const serverIdentity = async (data: string): Promise<{ uid: number; gid: number }> => {
  const owner = await stat(data).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const found = (await identity('postgres')) ?? (await identity('nobody'))
  if (found !== undefined) return found
  throw new ForewordError(
    'Postgres refuses to run as root, and there is no other user to run it as',
    {
      where: 'neither `postgres` nor `nobody` exists here',
      remedy: 'run foreword as a normal user, or set `database`',
    },
  )
}

/** The first folder or file on the way that this user may not pass, by its mode bits. */
const barrier = async (
  target: string,
  user: { readonly uid: number; readonly gid: number },
): Promise<string | undefined> => {
  const parts = (await realpath(target)).split(path.sep).filter((part) => part !== '')
  const steps = ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)]
  for (const step of steps) {
    const { mode, uid, gid } = await stat(step)
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
    if (((mode >> shift) & 0o1) === 0) return step
  }
  return undefined
}

/** npm under umask 077 makes files that only root can read: one library stands for all. */
const unreadable = async (
  root: string,
  user: { readonly uid: number; readonly gid: number },
): Promise<string | undefined> => {
  const library = (await readdir(path.join(root, 'lib'))).find((name) => name.includes('libpq'))
  if (library === undefined) return undefined
  const file = path.join(root, 'lib', library)
  const { mode, uid, gid } = await stat(file)
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return ((mode >> shift) & 0o4) === 0 ? file : undefined
}

const setpriv = (user: { readonly uid: number; readonly gid: number }): readonly string[] => [
  'setpriv',
  `--reuid=${String(user.uid)}`,
  `--regid=${String(user.gid)}`,
  '--clear-groups',
  // access(2), by which Postgres looks for its own parts, would else leave the right out of account.
  '--securebits=+no_setuid_fixup',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
  '--',
]

/** Only where a folder is in the way does the server get the right to pass it: the least that will do. */
const throughBarrier = async (
  user: { readonly uid: number; readonly gid: number },
  folder: string,
): Promise<readonly string[]> => {
  const prefix = setpriv(user)
  const [command = '', ...args] = prefix
  try {
    await run(command, [...args, 'true'], { cwd: '/' })
    return prefix
  } catch (error) {
    throw new ForewordError(
      `the embedded Postgres runs as uid ${String(user.uid)}, which may not enter a folder`,
      {
        where: folder,
        remedy: [
          codeOf(error) === 'ENOENT'
            ? 'install setpriv (util-linux)'
            : 'allow CAP_DAC_OVERRIDE and CAP_SETPCAP',
          `chmod o+x the folder, run foreword as a normal user, or set \`database\``,
        ].join(', '),
        cause: error,
      },
    )
  }
}

/** In a container without capabilities root is root by name only. */
const checkThatWeMayBecome = async (user: {
  readonly uid: number
  readonly gid: number
}): Promise<void> => {
  try {
    await run('true', [], { cwd: '/', uid: user.uid, gid: user.gid })
  } catch (error) {
    // The change of user comes before the program, which need not even be there.
    if (!['EPERM', 'EINVAL'].includes(codeOf(error))) return
    throw new ForewordError(
      'Postgres refuses to run as root, and this root may not become another user',
      {
        where: `uid ${String(user.uid)}`,
        remedy:
          'run foreword as a normal user, allow CAP_SETUID, CAP_SETGID and CAP_CHOWN, or set `database`',
        cause: error,
      },
    )
  }
}

/** Chooses the user for the server whose data lie in `data`, and how to become it. */
export const serverUser = async (data: string, programs: string): Promise<ServerUser> => {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  if (uid !== 0) return { uid, gid, foreign: false, prefix: [] }
  const user = await serverIdentity(data)
  await checkThatWeMayBecome(user)
  const folder =
    (await barrier(path.dirname(data), user)) ??
    (await barrier(path.join(programs, 'bin', 'postgres'), user)) ??
    (await barrier(path.join(programs, 'share', 'postgresql'), user)) ??
    (await unreadable(programs, user))
  const prefix = folder === undefined ? [] : await throughBarrier(user, folder)
  return { ...user, foreign: true, prefix }
}

/**
 * Starts a program as the server's user, in a session of its own: Ctrl-C in our terminal must reach
 * foreword first, which then stops the server when its own work is put away.
 */
export const spawnAs = (
  user: ServerUser,
  program: string,
  args: readonly string[],
  output: 'ignore' | number,
): ChildProcess => {
  const [command = program, ...rest] = [...user.prefix, program, ...args]
  return spawn(command, rest, {
    cwd: '/',
    env: environment(),
    detached: true,
    stdio: ['ignore', output, output],
    ...(user.foreign && user.prefix.length === 0 ? { uid: user.uid, gid: user.gid } : {}),
  })
}
