/** One bash for a whole page, so that `cd`, `export` and `$?` mean what they mean to who types them. */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

const mark = '\u001e'
const deadline_ms = 90_000
/** For what was left in the background to end by itself. */
const grace_ms = 10_000

export interface Said {
  readonly code: number
  readonly output: string
}

export interface Shell {
  /** Runs a command; stdout and stderr as a terminal would show them. */
  readonly run: (command: string) => Promise<Said>
  /** Ends it with all that it has started. */
  readonly close: () => Promise<void>
}

export const openShell = (cwd: string, private_folder: string, env: NodeJS.ProcessEnv): Shell => {
  const child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, detached: true })
  let text = ''
  let tell: () => void = () => undefined
  const hear = (chunk: Buffer): void => {
    text += chunk.toString()
    tell()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.stdin.on('error', () => undefined)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.stdin.write('exec 2>&1\n')
  const run = (command: string): Promise<Said> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`it does not end; so far: ${text}`))
      }, deadline_ms)
      tell = () => {
        const found = new RegExp(`\n?${mark}(\\d+)\n`).exec(text)
        if (found === null) return
        clearTimeout(late)
        const output = text.slice(0, found.index)
        text = text.slice(found.index + found[0].length)
        resolve({ code: Number(found[1]), output })
      }
      const file = path.join(private_folder, 'command.sh')
      writeFile(file, `${command}\n`).then(() => {
        child.stdin.write(
          `(exit \${last_code:-0}); . '${file}' </dev/null; last_code=$?; ` +
            `printf '\\n${mark}%d\\n' "$last_code"\n`,
        )
      }, reject)
    })
  const close = async (): Promise<void> => {
    child.stdin.end()
    try {
      // Its group: what it has left in the background as well.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    } catch {
      // It has ended by itself.
    }
    const late = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, grace_ms)
    await ended
    clearTimeout(late)
  }
  return { run, close }
}
