/**
 * A proxy in front of an HTTP API that cuts connections: most of all after the API has answered, when the
 * effect is there and nobody hears of it. What it did to whom is kept, as the truth to hold others against.
 */
import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uniform } from '../../src/cloud/random.ts'

export interface Passed {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** What the API answered; null: it was never asked. */
  readonly status: number | null
  readonly lost: 'response' | 'request' | null
}

export interface LossyProxy {
  readonly url: string
  readonly passed: readonly Passed[]
}

export interface LossyOptions {
  readonly seed?: number
  /** Which requests may be cut. */
  readonly cuts: (request: Pick<IncomingMessage, 'method' | 'url'>) => boolean
  /** The share of those whose answer is lost after the effect, and whose request never arrives. */
  readonly response: number
  readonly request?: number
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const keep_alive_ms = 120_000

const textOf = async (stream: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const forward = async (
  target: URL,
  { method, url, headers }: IncomingMessage,
  body: string,
): Promise<{ readonly answer: IncomingMessage; readonly text: string }> => {
  const { hostname: host, port } = target
  const outgoing = ask({
    host,
    port,
    method,
    path: url,
    headers: { ...headers, host: target.host },
  })
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { answer, text: await textOf(answer) }
}

/** Listens on loopback until the test is over. */
export const lossyProxy = async (
  t: Teardown,
  target_url: string,
  options: LossyOptions,
): Promise<LossyProxy> => {
  const target = new URL(target_url)
  const passed: Passed[] = []
  let thrown_count = 0
  const fateOf = (request: IncomingMessage): Passed['lost'] => {
    if (!options.cuts(request)) return null
    const thrown = uniform(options.seed ?? 1, thrown_count++)
    if (thrown < options.response) return 'response'
    return thrown < options.response + (options.request ?? 0) ? 'request' : null
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const lost = fateOf(request)
    const { method = '', url: path = '', headers } = request
    const note = (status: number | null): void => {
      passed.push({ method, path, headers, body, status, lost })
    }
    if (lost === 'request') {
      note(null)
      request.socket.destroy()
      return
    }
    const { answer, text } = await forward(target, request, body)
    note(answer.statusCode ?? null)
    if (lost === 'response') request.socket.destroy()
    else response.writeHead(answer.statusCode ?? 502, answer.headers).end(text)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy())
  })
  // An idle connection that closes as the next request comes would be one more lost answer, which nobody noted.
  server.keepAliveTimeout = keep_alive_ms
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passed }
}
