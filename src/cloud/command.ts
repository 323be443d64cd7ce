/** `foreword cloud`: the simulated cloud in a process of its own, until SIGTERM or Ctrl-C. */
import { once } from 'node:events'
import * as E from 'fp-ts/lib/Either.js'
import { ForewordError } from '../domain/errors.ts'
import { startCloud } from './index.ts'
import { parseFaults } from './faults.ts'

/** Options as they stand on the command line. */
export interface CloudCommand {
  readonly port?: string
  readonly host?: string
  readonly seed?: string
  /** calm, rough, hostile, or JSON. */
  readonly faults?: string
  readonly ledger?: string
}

export const cloudPort = 7070

const wholeNumber = (option: string, given: string, max: number): number => {
  if (/^\d{1,15}$/.test(given) && Number(given) <= max) return Number(given)
  throw new ForewordError(`${option} ${given} is not a whole number from 0 to ${max}`, {
    where: 'foreword cloud',
    remedy: `for example ${option} ${option === '--port' ? cloudPort : 1}`,
    exit_code: 2,
  })
}

const stopped = async (signal: AbortSignal | undefined): Promise<void> => {
  const done = new AbortController()
  const wait = { signal: done.signal }
  const waiting = [once(process, 'SIGTERM', wait), once(process, 'SIGINT', wait)]
  if (signal !== undefined && !signal.aborted) waiting.push(once(signal, 'abort', wait))
  if (signal?.aborted !== true) await Promise.race(waiting)
  // Takes the other listeners away again; their promises reject, and nobody needs to know.
  done.abort()
  await Promise.allSettled(waiting)
}

/**
 * Runs until a signal (or until `signal` aborts) and resolves once it is closed. Prints one line
 * when it is ready. Throws ForewordError for wrong options, a busy port or an unwritable ledger.
 */
export const runCloud = async (
  options: CloudCommand,
  print: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
  signal?: AbortSignal,
): Promise<void> => {
  const faults = parseFaults(options.faults ?? 'calm')
  if (E.isLeft(faults)) {
    throw new ForewordError(faults.left, {
      where: 'foreword cloud --faults',
      remedy: 'give calm, rough, hostile or JSON such as {"profile":"rough","lag_ms":1000}',
      exit_code: 2,
    })
  }
  const seed = wholeNumber('--seed', options.seed ?? '1', Number.MAX_SAFE_INTEGER)
  const cloud = await startCloud({
    port: wholeNumber('--port', options.port ?? String(cloudPort), 65_535),
    host: options.host ?? '127.0.0.1',
    seed,
    faults: faults.right,
    ...(options.ledger === undefined ? {} : { ledger: options.ledger }),
  })
  print(`foreword cloud: ${cloud.url} (seed ${seed})`)
  await stopped(signal)
  await cloud.close()
}
