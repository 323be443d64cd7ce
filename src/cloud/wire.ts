/** Between sockets and answers: reads bodies, writes answers, and cuts connections on purpose. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import * as E from 'fp-ts/lib/Either.js'
import type { Context } from 'hono'
import type { Json } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { refusal } from './answer.ts'

export interface CloudEnv {
  Bindings: HttpBindings
}
export type CloudContext = Context<CloudEnv>

const bodyBytesMax = 65_536

/**
 * Tells hono that this request is dealt with. All answers are written straight to the socket: only
 * so can they be cut, lost or withheld, and it is the quickest way too.
 */
export const dealtWith = (): Response => {
  // Where another server of this process has replaced the global Response, an untouched one is
  // answered from a cache that does not know the mark. Reading `body` takes it out of that cache.
  if (RESPONSE_ALREADY_SENT.body !== null) throw new Error('the mark must have no body')
  return RESPONSE_ALREADY_SENT
}

export const send = (outgoing: ServerResponse, { status, body, headers }: Answer): Response => {
  if (outgoing.destroyed) return dealtWith()
  if (body === null) {
    outgoing.writeHead(status, headers).end()
    return dealtWith()
  }
  const bytes = Buffer.from(JSON.stringify(body))
  outgoing.writeHead(status, {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
  })
  outgoing.end(bytes)
  return dealtWith()
}

/** The first half of the answer, then the connection is cut. */
export const sendHalf = (outgoing: ServerResponse, { status, body, headers }: Answer): Response => {
  if (outgoing.destroyed) return dealtWith()
  const bytes = Buffer.from(JSON.stringify(body))
  outgoing.writeHead(status, {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
  })
  outgoing.write(bytes.subarray(0, bytes.length >>> 1), () => outgoing.destroy())
  return dealtWith()
}

/** Cuts the connection without a word. */
export const cut = (outgoing: ServerResponse): Response => {
  outgoing.destroy()
  return dealtWith()
}

/** The body as text, '' where there is none. Left: an answer, or null where the client has left. */
export const readText = async (
  context: CloudContext,
  incoming: IncomingMessage,
): Promise<E.Either<Answer | null, string>> => {
  const { headers } = incoming
  const close = { Connection: 'close' }
  if (headers['transfer-encoding'] !== undefined) {
    return E.left(refusal(411, 'length_required', 'send a Content-Length', {}, close))
  }
  const length = Number(headers['content-length'] ?? 0)
  if (length === 0) return E.right('')
  if (length > bodyBytesMax) {
    const message = `a body has at most ${bodyBytesMax} bytes`
    return E.left(refusal(413, 'too_large', message, {}, close))
  }
  try {
    return E.right(await context.req.text())
  } catch {
    return E.left(null)
  }
}

/** No text is null: some requests need no body. */
export const parseJson = (text: string): E.Either<Answer, Json> => {
  if (text === '') return E.right(null)
  try {
    // What JSON.parse returns is Json by definition; only its type says less.
    return E.right(JSON.parse(text) as Json)
  } catch {
    return E.left(refusal(400, 'bad_request', 'the body is not JSON'))
  }
}
