/**
 * The API of the benches that apply, a process of its own: keeps nothing but counts, answers at once.
 * `node bench/stub.ts` prints its URL. A POST with the header `held` has its effect and is never answered.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Counts {
  readonly posts: number
  /** POSTs whose idempotency key had come before. */
  readonly repeated: number
  /** When the first request came after the marked moment, in ms of the epoch; null: none yet. */
  readonly acted_at: number | null
}

const names = new Map<string, string>()
let counts: { -readonly [K in keyof Counts]: Counts[K] } = { posts: 0, repeated: 0, acted_at: null }
let marked = false

const now = (): number => performance.timeOrigin + performance.now()

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

const act = (request: IncomingMessage, response: ServerResponse, body: string): void => {
  const key = String(request.headers['idempotency-key'] ?? '')
  counts.posts += 1
  if (names.has(key)) counts.repeated += 1
  names.set(key, (JSON.parse(body) as { readonly name?: string }).name ?? '')
  if (request.headers['held'] === undefined) answer(response, 201, { done: true })
}

const look = (url: URL, response: ServerResponse): void => {
  const key = url.searchParams.get('key') ?? ''
  const name = names.get(key)
  answer(response, 200, name === undefined ? [] : [{ key, name, size: 's' }])
}

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', 'http://stub')
  if (url.pathname === '/counts') {
    answer(response, 200, counts)
    return
  }
  if (url.pathname === '/mark') {
    counts = { ...counts, acted_at: null }
    marked = true
    answer(response, 200, {})
    return
  }
  if (marked) {
    counts.acted_at = now()
    marked = false
  }
  if (request.method !== 'POST') {
    look(url, response)
    return
  }
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => (body += chunk))
  request.on('end', () => {
    act(request, response, body)
  })
}

const server = createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, serve)
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
