/** The demo's processes: started, watched, and none of them left behind. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { ForewordError } from '../../src/index.ts'

export interface Child {
  readonly name: string
  readonly pid: number
  readonly process: ChildProcess
  /** The last of what it has printed. */
  readonly output: () => string
}

export interface Children {
  /**
   * Starts a program of this repository. `serves`: it is to run until it is killed, and its end by
   * itself is the end of the demo; anything else may end with exit code 0.
   */
  readonly start: (
    name: string,
    program: string,
    args: readonly string[],
    options?: { readonly serves?: boolean; readonly env?: NodeJS.ProcessEnv },
  ) => Child
  /** SIGKILL: no last words, as when a host dies. Resolves when it is gone. */
  readonly kill: (child: Child) => Promise<void>
  readonly killAll: () => Promise<void>
}

const repository = path.resolve(import.meta.dirname, '../..')
const output_bytes_max = 4_000

const isGone = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null

/** `onDeath` hears of every child that ended otherwise than it should have. */
export const createChildren = (onDeath: (error: Error) => void): Children => {
  const running = new Set<Child>()
  // However this process ends.
  process.once('exit', () => {
    for (const child of running) child.process.kill('SIGKILL')
  })

  const watch = (child: Child, serves: boolean): void => {
    child.process.once('error', onDeath)
    child.process.once('exit', (code, signal) => {
      if (!running.delete(child) || (code === 0 && !serves)) return
      const how = signal ?? `exit code ${code}`
      const words = child.output().split('\n').at(-1) ?? ''
      onDeath(
        new ForewordError(`${child.name} (pid ${child.pid}) ended by ${how}`, {
          where: words === '' ? 'without a word' : `its last words: ${words}`,
          remedy: 'the demo cannot go on without it',
        }),
      )
    })
  }

  const kill = async (child: Child): Promise<void> => {
    running.delete(child)
    if (isGone(child.process)) return
    const gone = once(child.process, 'exit')
    child.process.kill('SIGKILL')
    await gone
  }

  return {
    start: (name, program, args, { serves = false, env = {} } = {}) => {
      const started = fork(path.join(repository, program), args, {
        cwd: repository,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // Ctrl-C is for the demo itself, which then ends them.
        detached: true,
      })
      let output = ''
      const hear = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-output_bytes_max)
      }
      started.stdout?.on('data', hear)
      started.stderr?.on('data', hear)
      const child = { name, pid: started.pid ?? 0, process: started, output: () => output.trim() }
      running.add(child)
      watch(child, serves)
      return child
    },
    kill,
    killAll: async () => {
      await Promise.all([...running].map(kill))
    },
  }
}
