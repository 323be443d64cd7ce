/** A cloud on a real socket under a clock that the test moves, and a client that never throws. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import type { Clock, Cloud, CloudOptions, FaultsInput } from '../../src/cloud/index.ts'
import { startCloud } from '../../src/cloud/index.ts'

export interface Reply {
  /** 0: there was no answer, or not a whole one. */
  readonly status: number
  readonly lost: boolean
  readonly body: Record<string, unknown>
  readonly headers: Headers
}

export interface Ask {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export class TestClock implements Clock {
  #now = Date.UTC(2030, 0, 1)
  #sleepers: { until: number; wake: () => void }[] = []

  now(): number {
    return this.#now
  }

  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((wake) => {
      this.#sleepers.push({ until: this.#now + ms, wake })
    })
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter(({ until }) => until <= this.#now)
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now)
    for (const { wake } of due) wake()
  }
}

export interface Bench {
  readonly cloud: Cloud
  readonly clock: TestClock
  call(method: string, path: string, ask?: Ask): Promise<Reply>
  /** POST that must answer 201; the id. */
  make(kind: string, body: unknown, headers?: Record<string, string>): Promise<string>
  faults(input: FaultsInput): Promise<void>
  ledger(): Promise<readonly Record<string, unknown>[]>
  names(path: string): Promise<readonly unknown[]>
}

interface Tap {
  teardown(end: () => unknown): unknown
}

const ask = async (url: string, method: string, path: string, given: Ask): Promise<Reply> => {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...given.headers },
      signal: given.signal ?? null,
      ...(given.body === undefined
        ? {}
        : { body: typeof given.body === 'string' ? given.body : JSON.stringify(given.body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      lost: false,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      headers: response.headers,
    }
  } catch {
    return { status: 0, lost: true, body: {}, headers: new Headers() }
  }
}

/** A running cloud that ends with the test. */
export const open = async (t: Tap, options: CloudOptions = {}): Promise<Bench> => {
  const clock = new TestClock()
  const cloud = await startCloud({ clock, ...options })
  t.teardown(() => cloud.close())
  const call = (method: string, path: string, given: Ask = {}) =>
    ask(cloud.url, method, path, given)
  const expect = async (status: number, reply: Promise<Reply>): Promise<Reply> => {
    const got = await reply
    if (got.status === status) return got
    throw new Error(`expected ${status}, got ${got.status} ${JSON.stringify(got.body)}`)
  }
  return {
    cloud,
    clock,
    call,
    make: async (kind, body, headers = {}) =>
      String((await expect(201, call('POST', `/v1/${kind}`, { body, headers }))).body['id']),
    faults: async (input) => {
      const body = typeof input === 'string' ? { profile: input } : input
      await expect(200, call('PUT', '/admin/faults', { body }))
    },
    ledger: async () =>
      (await expect(200, call('GET', '/admin/ledger'))).body as unknown as Record<
        string,
        unknown
      >[],
    names: async (path) =>
      itemsOf(await expect(200, call('GET', path))).map((item) => item['name']),
  }
}

export const itemsOf = (reply: Reply): readonly Record<string, unknown>[] =>
  reply.body['items'] as Record<string, unknown>[]

export const codeOf = (reply: Reply): unknown =>
  (reply.body['error'] as Record<string, unknown> | undefined)?.['code']

/** Waits until `holds`, or fails after ten seconds. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> => {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await after(5)
  }
}

/** Somebody else's server on a port of its own. */
export const occupy = async (t: Tap): Promise<number> => {
  const server: Server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}
