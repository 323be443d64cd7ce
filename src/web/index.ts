/** The page of `foreword up`: what the views say, for a browser on the same machine. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { ForewordError } from '../domain/errors.ts'
import type { Logger } from '../domain/ports.ts'
import type { WebReads, WebRulings } from '../domain/web-story-ports.ts'
import { createApp } from './app.ts'

export interface WebOptions {
  readonly reads: WebReads
  readonly rulings: WebRulings
  /** Who rules, unless the form says otherwise. */
  readonly person: string
  /** 0: any free one. */
  readonly port: number
  readonly logger: Logger
  readonly version: string
  /** What the link carries; default: random, new with every start. */
  readonly token?: string
}

export interface Web {
  /** The link with the token: whoever has it may look. */
  readonly url: string
  readonly port: number
  /** Ends the streams, lets answers under way finish (at most a second), closes every connection. */
  close(): Promise<void>
}

const host = '127.0.0.1'
const close_grace_ms = 1_000
const connections_max = 64

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const busy = error.code === 'EADDRINUSE'
      reject(
        new ForewordError(
          busy ? `port ${port} is busy` : `port ${port} cannot be used (${String(error.code)})`,
          {
            where: `${host}:${port}`,
            remedy: 'set web.port in foreword.config.ts or --port',
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
  const grace = setTimeout(() => {
    server.closeAllConnections()
  }, close_grace_ms)
  await closed
  clearTimeout(grace)
}

/** Serves the page on loopback. Rejects with a ForewordError when the port is busy. */
export const startWeb = async (options: WebOptions): Promise<Web> => {
  const { logger, token = randomBytes(24).toString('base64url') } = options
  const closing = new AbortController()
  let bound = options.port
  const app = createApp({
    ...options,
    logger,
    token,
    port: () => bound,
    closing: closing.signal,
  })
  // The adaptor's type covers HTTP/2 too; without its options it is a node:http server.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  server.maxConnections = connections_max
  bound = await listen(server, options.port)
  return {
    url: `http://${host}:${bound}/?token=${encodeURIComponent(token)}`,
    port: bound,
    close: async () => {
      closing.abort()
      await shutDown(server)
    },
  }
}
