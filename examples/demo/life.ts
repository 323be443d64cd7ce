/** How the demo ends: by itself, by Ctrl-C, by an error; whatever it started is put away. */
import { failureOf } from '../../src/cli/failure.ts'
import { ForewordError } from '../../src/index.ts'

const exit_codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
type Stop = keyof typeof exit_codes

/** The database has deadlines of its own; this is for what has none. */
const undo_timeout_ms = 90_000

export interface Life {
  /** Aborted when there is no use in going on; the reason says why. */
  readonly signal: AbortSignal
  readonly fail: (error: Error) => void
  /** What is to be undone at the end; last in, first out. */
  readonly atEnd: (undo: () => Promise<void>) => void
  /** The work, or the reason why there is no use in waiting for it. */
  readonly unlessOver: <A>(work: Promise<A>) => Promise<A>
}

const complain = (error: unknown): void => {
  const { line } = failureOf(error, process.env['FOREWORD_DATABASE_URL'], process.env)
  process.stderr.write(`${line}\n`)
}

const undoAll = async (undone: readonly (() => Promise<void>)[]): Promise<boolean> => {
  let clean = true
  for (const undo of undone.toReversed()) {
    await undo().catch((error: unknown) => {
      clean = false
      complain(error)
    })
  }
  return clean
}

/** The first signal is heard at once, the next ones not at all: putting away takes a second. */
const listen = (controller: AbortController): { readonly stop: () => Stop | null } => {
  let stop: Stop | null = null
  for (const name of Object.keys(exit_codes) as readonly Stop[]) {
    process.on(name, () => {
      stop ??= name
      controller.abort(new Error(name))
    })
  }
  process.on('uncaughtException', (error) => {
    controller.abort(error)
  })
  process.stdout.on('error', () => {
    controller.abort(new ForewordError('nobody reads the output any more'))
  })
  process.stderr.on('error', () => undefined)
  return { stop: () => stop }
}

/** Runs it to its end, puts everything away, and returns the exit code. */
export const live = async (
  work: (life: Life) => Promise<number>,
  progress: (text: string) => void,
): Promise<number> => {
  const controller = new AbortController()
  const { signal } = controller
  const { stop } = listen(controller)
  const undone: (() => Promise<void>)[] = []
  const over = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error)
    })
  })
  over.catch(() => undefined)
  const life: Life = {
    signal,
    fail: (error) => {
      controller.abort(error)
    },
    atEnd: (undo) => undone.push(undo),
    unlessOver: (running) => Promise.race([running, over]),
  }
  let exit_code = 1
  let failure: unknown
  try {
    exit_code = await work(life)
  } catch (error) {
    // Whatever breaks because all is over has not gone wrong by itself.
    failure = signal.aborted ? signal.reason : error
  }
  const stopped = stop()
  progress('')
  if (failure !== undefined && stopped === null) complain(failure)
  progress('putting everything away')
  const late = setTimeout(() => process.exit(1), undo_timeout_ms)
  const clean = await undoAll(undone)
  clearTimeout(late)
  progress('')
  if (failure !== undefined && stopped !== null) return exit_codes[stopped]
  return clean ? exit_code : 1
}
