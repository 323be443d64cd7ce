/**
 * One HTTP request, sent once. Nothing here retries, follows or guesses: it says whether bytes may have
 * left this machine, since that is what decides whether a write may be tried again.
 */
import { Pool, buildConnector, type Dispatcher } from 'undici'
import { isOver } from '../domain/deadline.ts'
import { notSent } from '../domain/provider.ts'
import { textOf } from './body-text.ts'
import { hidden } from './hide.ts'

const body_bytes_max_default = 10 * 1024 * 1024
const connections_default = 16
const connect_timeout_ms = 5_000
/** So long the guard lets the signal go first, which reads the sockets once more before it gives up. */
const guard_grace_ms = 1_000

export interface Request {
  readonly method: string
  /** Scheme, host and port; no credentials, no path. */
  readonly origin: string
  /** Path and query, already URL-encoded. */
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
  readonly signal: AbortSignal
  /** Guard of its own, should the signal never fire. */
  readonly timeout_ms: number
  /** Sockets that this process opens to one origin at most; the first caller's number stays. */
  readonly connections?: number
  readonly body_bytes_max?: number
  /** Values that must not appear in any message. */
  readonly hide: readonly string[]
}

export interface Reply {
  readonly status: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly body: string
}

/** The request can never be sent as it is (a line break in a header, say): trying again is no use. */
export class RequestInvalid extends Error {
  override readonly name = 'RequestInvalid'
}

/** The request was sent, or may have been, and what came of it is not known. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}

const pools = new Map<string, Pool>()

const poolOf = (origin: string, connections: number): Pool => {
  const known = pools.get(origin)
  if (known !== undefined) return known
  const pool = new Pool(origin, {
    connections,
    // One request per socket at a time: undici requeues what was pipelined behind a closed response.
    pipelining: 1,
    // HTTP/2 streams can be refused and repeated by the client; HTTP/1.1 leaves the choice to us.
    allowH2: false,
    connect: buildConnector({ timeout: connect_timeout_ms, allowH2: false }),
  })
  pools.set(origin, pool)
  return pool
}

/** Closes the idle sockets of all origins; those in use are waited for. A later request opens new ones. */
export const closeConnections = async (): Promise<void> => {
  const open = [...pools.values()]
  pools.clear()
  await Promise.all(open.map((pool) => pool.close()))
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown error'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}

// Messages carry the error's code and never its text or cause: those may quote URLs, headers or bodies.
const where = (request: Request): string =>
  hidden(`${request.method} ${request.origin}${request.path.replace(/\?.*$/s, '')}`, request.hide)

/**
 * Collects one exchange. undici calls `onRequestStart` immediately before the first byte is written, so
 * whatever fails before that was certainly not sent, and a second call of it would be a silent repeat.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: Request
  readonly #chunks: Buffer[] = []
  readonly #bytes_max: number
  readonly reply: Promise<Reply>
  #resolve!: (reply: Reply) => void
  #reject!: (error: Error) => void
  #controller: Dispatcher.DispatchController | undefined
  #aborted = false
  #bytes = 0
  #status = 0
  #headers: Reply['headers'] = {}

  constructor(request: Request) {
    this.#request = request
    this.#bytes_max = request.body_bytes_max ?? body_bytes_max_default
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  abort(): void {
    this.#aborted = true
    if (this.#controller === undefined) {
      this.#reject(notSent(`${where(this.#request)}: aborted before it was sent`))
    } else {
      this.#fail('aborted while waiting for the answer')
    }
  }

  #fail(what: string): void {
    this.#reject(new OutcomeUnknown(`${where(this.#request)}: ${what}`))
    this.#controller?.abort(new Error(what))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The last moment before its first byte leaves.
    if (this.#aborted || isOver(this.#request.signal)) {
      this.#reject(notSent(`${where(this.#request)}: its time was up before it was sent`))
      controller.abort(new Error('aborted'))
      return
    }
    const repeated = this.#controller !== undefined
    this.#controller = controller
    if (repeated) this.#fail('the connection closed, and the request is not repeated')
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Reply['headers'],
  ): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#bytes_max) {
      this.#fail(`the answer is larger than ${this.#bytes_max} bytes`)
    } else {
      this.#chunks.push(chunk)
    }
  }

  onResponseEnd(): void {
    const raw = Buffer.concat(this.#chunks)
    try {
      const body = textOf(raw, this.#headers, this.#bytes_max)
      this.#resolve({ status: this.#status, headers: this.#headers, body })
    } catch (error) {
      // The request was heard: what came of it is what cannot be read.
      this.#fail(`the answer to ${this.#status} cannot be read (${codeOf(error)})`)
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(this.#verdictOn(codeOf(error)))
  }

  #verdictOn(code: string): Error {
    const what = `${where(this.#request)}: ${code}`
    if (this.#controller !== undefined) return new OutcomeUnknown(`${what} after it was sent`)
    if (code === 'UND_ERR_INVALID_ARG') return new RequestInvalid(what)
    return notSent(`${what} before it was sent`)
  }
}

/**
 * Sends one request and reads the whole answer, whatever its status.
 * Throws NotSent when no byte can have left, RequestInvalid when none ever could, else OutcomeUnknown.
 */
export const send = async (request: Request): Promise<Reply> => {
  const exchange = new Exchange(request)
  if (request.signal.aborted) {
    exchange.abort()
    return exchange.reply
  }
  const abort = (): void => {
    exchange.abort()
  }
  request.signal.addEventListener('abort', abort, { once: true })
  try {
    poolOf(request.origin, request.connections ?? connections_default).dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body ?? null,
        headersTimeout: request.timeout_ms + guard_grace_ms,
        bodyTimeout: request.timeout_ms + guard_grace_ms,
      },
      exchange,
    )
    return await exchange.reply
  } finally {
    request.signal.removeEventListener('abort', abort)
  }
}
