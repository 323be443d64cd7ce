/**
 * A simulated cloud: a server that behaves as badly as real ones do, on purpose and by a seed, and
 * keeps an independent ledger of what really happened. It knows nothing of foreword.
 */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import * as E from 'fp-ts/lib/Either.js'
import { Hono } from 'hono'
import { ForewordError } from '../domain/errors.ts'
import { admin } from './admin.ts'
import { answer, refusal } from './answer.ts'
import type { Service } from './api.ts'
import { api } from './api.ts'
import type { Clock } from './clock.ts'
import { realClock } from './clock.ts'
import { Dice } from './dice.ts'
import type { FaultsInput } from './faults.ts'
import { decodeFaults, parseFaults, profiles } from './faults.ts'
import { Ledger } from './ledger.ts'
import { Quotas } from './quotas.ts'
import { Rate } from './rate.ts'
import { Requests } from './requests.ts'
import { Tokens } from './tokens.ts'
import type { CloudEnv } from './wire.ts'
import { send } from './wire.ts'
import { World } from './world.ts'

export type { Clock } from './clock.ts'
export type { FaultsInput } from './faults.ts'

export interface CloudOptions {
  /** Default 0: any free one. */
  readonly port?: number
  /** Default 127.0.0.1. There is no login: do not open it to a network. */
  readonly host?: string
  /** Default 1. The same seed gives the same ids and the same faults. */
  readonly seed?: number
  /** Default calm. */
  readonly faults?: FaultsInput
  /** A file to which each effect is appended as one line of JSON. Default: none. */
  readonly ledger?: string
  /** Default: the machine's. */
  readonly clock?: Clock
}

export interface Cloud {
  readonly url: string
  readonly port: number
  /** Lets requests that are being served end (at most a second), then closes every connection. */
  close(): Promise<void>
}

/** The profiles by name, and how faults are read from a program and from a command line. */
export const cloudFaults = { profiles, decode: decodeFaults, parse: parseFaults }

const close_grace_ms = 1_000
// Longer than any client's idle time: a connection that the server closes while a request is on its
// way looks like a lost response, and those are to come from the seed only.
const keep_alive_ms = 120_000

const routes = (service: Service): Hono<CloudEnv> => {
  const app = new Hono<CloudEnv>()
  app.get('/healthz', (context) => send(context.env.outgoing, answer(200, { status: 'ok' })))
  app.route('/v1', api(service))
  app.route('/admin', admin(service))
  app.notFound((context) =>
    send(
      context.env.outgoing,
      refusal(404, 'no_such_path', `there is no ${context.req.method} ${context.req.path}`),
    ),
  )
  app.onError((error, context) => {
    // A bug, not a fault: it must be seen.
    process.stderr.write(`foreword cloud: ${error.stack ?? error.message}\n`)
    return send(context.env.outgoing, refusal(500, 'bug', error.message))
  })
  return app
}

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(
        new ForewordError(
          taken ? `port ${port} is busy` : `port ${port} cannot be used (${String(error.code)})`,
          {
            where: `foreword cloud on ${host}`,
            remedy: taken
              ? 'stop what listens there, or choose another with --port (0: any free one)'
              : 'choose another with --port (0: any free one)',
            cause: error,
          },
        ),
      )
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })

const shutDown = async (server: Server): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
  server.closeIdleConnections()
  // Requests that hang on purpose would keep the server open for ever.
  const grace = setTimeout(() => {
    server.closeAllConnections()
  }, close_grace_ms)
  await closed
  clearTimeout(grace)
}

/** Starts the cloud. Rejects with ForewordError: wrong faults, a busy port, a ledger that cannot be written. */
export const startCloud = async (options: CloudOptions = {}): Promise<Cloud> => {
  const { port = 0, host = '127.0.0.1', seed = 1 } = options
  const faults = decodeFaults(options.faults ?? 'calm')
  if (E.isLeft(faults)) {
    throw new ForewordError(faults.left, {
      where: 'faults of the simulated cloud',
      remedy: 'see docs/cloud.md',
      exit_code: 2,
    })
  }
  const closing = new AbortController()
  const clock = options.clock ?? realClock(closing.signal)
  const dice = new Dice(seed, faults.right)
  const service: Service = {
    clock,
    dice,
    world: new World({ clock, seed, lag_ms: () => dice.faults.lag_ms }),
    quotas: new Quotas(),
    ledger: new Ledger(options.ledger ?? null),
    rate: new Rate(),
    tokens: new Tokens(),
    requests: new Requests(),
  }
  // Without overrideGlobalObjects: whoever starts a cloud inside its own process keeps its fetch classes.
  const server = createAdaptorServer({
    fetch: routes(service).fetch,
    overrideGlobalObjects: false,
    // The adaptor's type covers HTTP/2 too; without its options it is a node:http server.
  }) as Server
  server.keepAliveTimeout = keep_alive_ms
  try {
    const bound = await listen(server, port, host)
    const close = async () => {
      closing.abort()
      await shutDown(server)
      service.ledger.close()
    }
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound, close }
  } catch (error) {
    service.ledger.close()
    throw error
  }
}
