/** A scripted HTTP server and calls to try providers with. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Json } from '../../src/domain/json.ts'
import type { Call, Look, Secrets } from '../../src/domain/provider.ts'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Scripted extends AsyncDisposable {
  readonly url: string
  /** Every request that came through whole, in order. */
  readonly received: Received[]
  /** Answers the next and all later requests. */
  answer: (request: Received, response: ServerResponse, socket: Socket) => void
}

export const json = (
  status: number,
  body: Json,
  headers: Record<string, string> = {},
): Scripted['answer'] => {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
}

export const scriptedServer = async (): Promise<Scripted> => {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const whole = { method, url, headers, body: Buffer.concat(chunks).toString() }
      received.push(whole)
      scripted.answer(whole, response, request.socket)
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const scripted: Scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: json(200, {}),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return scripted
}

/** A URL where nobody listens: the port was free a moment ago. */
export const deadUrl = async (): Promise<string> => {
  const server = await scriptedServer()
  await server[Symbol.asyncDispose]()
  return server.url
}

export const secrets: Secrets = (reference) =>
  typeof reference === 'string' ? reference : `s3cret-of-${reference.name}`

export const look = (over: Partial<Look> = {}): Look => ({
  scope: 'acme/prod',
  name: 'web-1',
  external_id: null,
  outputs: {},
  signal: AbortSignal.timeout(20_000),
  secrets,
  ...over,
})

export const callOf = <Spec>(
  verb: string,
  spec: Spec,
  over: Partial<Call<Spec>> = {},
): Call<Spec> => ({
  ...look(),
  verb,
  spec,
  before: null,
  idempotency_key: 'key-1',
  generation: 3,
  now: new Date('2026-01-01T00:00:00Z'),
  ...over,
})
