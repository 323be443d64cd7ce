/** Other processes of a bench: the API that is acted on, workers, peers. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Counts } from './stub.ts'

export interface Stub {
  readonly url: string
  readonly counts: () => Promise<Counts>
  /** From now on the next request is the first one. */
  readonly mark: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts a program of this folder; resolves with the first line that it prints. */
export const startProgram = async (
  program: string,
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly said: string }> => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, program), ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`bench/${program} ended with ${String(code)} before it was ready`)
  })
  const said = await Promise.race([firstOf(child), died])
  died.catch(() => undefined)
  return { child, said }
}

const firstOf = async ({ stdout }: ChildProcess): Promise<string> => {
  if (stdout === null) throw new Error('its output is not piped')
  const [said] = (await once(stdout, 'data')) as [Buffer]
  return said.toString().trim()
}

export const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

export const startStub = async (): Promise<Stub> => {
  const { child, said: url } = await startProgram('stub.ts', [])
  return {
    url,
    counts: async () => (await (await fetch(`${url}/counts`)).json()) as Counts,
    mark: async () => {
      await (await fetch(`${url}/mark`)).text()
    },
    close: () => kill(child),
  }
}
