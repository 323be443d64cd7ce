/** A bound on time for what others do. */
import { setDeadline } from './deadline.ts'

/** Runs it for so long at most, whether it listens to its signal or not. */
export const within = async <A>(
  ms: number,
  run: (signal: AbortSignal) => Promise<A>,
): Promise<A> => {
  const abort = new AbortController()
  // By the steady clock alone: the other one may be set at any moment, and nothing would be sent any more.
  const until = performance.now() + ms
  setDeadline(abort.signal, () => performance.now() > until)
  let timer: NodeJS.Timeout | undefined
  let last: NodeJS.Immediate | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      const error = new Error(`no answer within ${ms} ms`)
      error.name = 'Timeout'
      reject(error)
      abort.abort(error)
    }
    // Not before the sockets are read once more: who was stopped finds its answer there, and its time over.
    timer = setTimeout(() => (last = setImmediate(giveUp)), ms)
  })
  // Started inside a promise: what it throws at once must not leave the timer running, and its error to nobody.
  const running = Promise.resolve(abort.signal).then(run)
  running.catch(() => undefined)
  try {
    return await Promise.race([running, timeout])
  } finally {
    clearTimeout(timer)
    clearImmediate(last)
  }
}
