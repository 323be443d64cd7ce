/** The stream that keeps a page up to date, and the bound on what it waits for. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { WebEnv } from './guard.ts'

const interval_ms = 2_000
const deadline_ms = 5_000

/** The answer, or a rejection when there is none in time. */
export const inTime = async <A>(answer: Promise<A>): Promise<A> => {
  const over = new AbortController()
  const late = pause(deadline_ms, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new Error(`the database did not answer within ${deadline_ms} ms`)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    over.abort()
    late.catch(() => undefined)
  }
}

/** Sends what `render` returns, at once and then every two seconds, until the viewer goes or `closing`. */
export const stream = (
  context: Context<WebEnv>,
  render: () => Promise<string>,
  closing: AbortSignal,
): Response =>
  streamSSE(context, async (sse) => {
    const gone = new AbortController()
    sse.onAbort(() => {
      gone.abort()
    })
    const ended = AbortSignal.any([closing, gone.signal])
    while (!ended.aborted) {
      await sse.writeSSE({ data: await render() })
      await pause(interval_ms, undefined, { signal: ended }).catch(() => undefined)
    }
  })
