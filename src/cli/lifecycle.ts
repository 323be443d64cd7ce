/** How a command ends: by itself, by an error, by a signal, or because nobody reads it any more. */
import { setTimeout as pause } from 'node:timers/promises'
import { ForewordError } from '../domain/errors.ts'
import type { Ending, Patience } from './context.ts'
import { isConnectionError } from '../store/connect.ts'
import { failureOf } from './failure.ts'

/** A command that only asks is not waited for longer than this once it was told to stop. */
const short_patience_ms = 2_000
/**
 * The embedded server may take its time to write what it has, and a worker that has lost its database what its calls
 * were answered (`limits.keep_answers_ms`).
 */
const close_timeout_ms = 120_000
const close_after_crash_ms = 3_000
/** Something that was forgotten must not keep the process from ending. */
const linger_ms = 2_000

const exit_codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type Stop = keyof typeof exit_codes
const stops = Object.keys(exit_codes) as readonly Stop[]

interface Life extends Ending {
  readonly stopped: () => Stop | undefined
  readonly pipe_closed: () => boolean
  readonly patience: () => Patience
  readonly url: () => string | undefined
  /** All that was opened, also when some of it cannot be closed. */
  readonly close: (failed: (error: unknown) => void) => Promise<void>
}

const unwritable = (error: NodeJS.ErrnoException): ForewordError =>
  new ForewordError(`what is told cannot be written (${error.code ?? error.message})`, {
    where: 'standard output',
    remedy: 'make room there, or write elsewhere; `foreword status` tells what was done',
    cause: error,
  })

const listen = (onStop: (stop: Stop) => void, onPipeClosed: () => void): void => {
  for (const stop of stops) {
    process.on(stop, () => {
      onStop(stop)
    })
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw unwritable(error)
    onPipeClosed()
  })
  // Whoever closed stderr does not want to hear about it.
  process.stderr.on('error', () => undefined)
}

const beginLife = (): Life => {
  const controller = new AbortController()
  const closers: (() => Promise<void>)[] = []
  let stopped: Stop | undefined
  let pipe_closed = false
  let patience: Patience = 'short'
  let url: string | undefined
  listen(
    (stop) => {
      if (patience === 'child') return
      if (stopped !== undefined) process.exit(exit_codes[stop])
      stopped = stop
      controller.abort()
    },
    () => {
      pipe_closed = true
      controller.abort()
    },
  )
  return {
    signal: controller.signal,
    atEnd: (close) => closers.push(close),
    setPatience: (p) => (patience = p),
    setUrl: (u) => (url = u),
    url: () => url,
    stopped: () => stopped,
    pipe_closed: () => pipe_closed,
    patience: () => patience,
    close: async (failed) => {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        await close().catch(failed)
      }
    },
  }
}

let complained = false

/** One line, however many things break by the same cause. */
const complain = (error: unknown, life: Life): number => {
  const { line, exit_code } = failureOf(error, life.url(), process.env)
  if (!complained) process.stderr.write(`${line}\n`)
  complained = true
  return exit_code
}

/** Resolves once the command is no longer waited for. */
const patienceGone = async (life: Life, over: AbortSignal): Promise<'gone'> => {
  await new Promise<void>((resolve) => {
    if (life.signal.aborted) resolve()
    life.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  while (!over.aborted && life.patience() !== 'short') await pause(100, undefined, { ref: false })
  await pause(short_patience_ms, undefined, { ref: false, signal: over }).catch(() => undefined)
  return 'gone'
}

const outcomeOf = async (command: Promise<number>, life: Life): Promise<number> => {
  const over = new AbortController()
  try {
    const outcome = await Promise.race([command, patienceGone(life, over.signal)])
    if (outcome !== 'gone') return outcome
    command.catch(() => undefined)
    return 0
  } catch (error) {
    // What breaks because it was told to stop has not gone wrong.
    return life.signal.aborted ? 0 : complain(error, life)
  } finally {
    over.abort()
  }
}

const closed = async (life: Life, timeout_ms: number): Promise<number> => {
  let exit_code = 0
  const close = life.close((error) => (exit_code = complain(error, life)))
  const late = pause(timeout_ms, 'late', { ref: false })
  return (await Promise.race([close, late])) === 'late' ? 1 : exit_code
}

const dieOf = (life: Life) => (error: unknown) => {
  const exit_code = complain(error, life)
  // The queue's driver throws to nobody when its connection goes: that is no crash.
  const is_lost = isConnectionError(error) && life.patience() === 'long'
  void closed(life, is_lost ? close_timeout_ms : close_after_crash_ms).then(() =>
    process.exit(exit_code),
  )
}

/**
 * Runs a command to its end and sets the exit code: its own, that of its error, or 130 for Ctrl-C.
 * A command that was told to stop by SIGTERM and drained by itself has done what it should: 0.
 */
export const live = async (start: (ending: Ending) => Promise<number>): Promise<void> => {
  const life = beginLife()
  const die = dieOf(life)
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
  const exit_code = await outcomeOf(start(life), life)
  const close_code = await closed(life, close_timeout_ms)
  const stop = life.stopped()
  const drained = stop === 'SIGTERM' && life.patience() === 'long'
  process.exitCode = stop === undefined || drained ? exit_code || close_code : exit_codes[stop]
  if (life.pipe_closed()) process.exitCode = 0
  setTimeout(() => process.exit(), linger_ms).unref()
}
