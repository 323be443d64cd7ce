/** Listening and closing, the same for the page and for /metrics. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { ForewordError } from '../domain/errors.ts'

export const loopback = '127.0.0.1'
const close_grace_ms = 1_000
const connections_max = 64
/**
 * Whoever connects and asks for nothing holds one of them no longer than this: Node's own are 60 s, looked at each
 * 30, and a few dozen of such would keep everybody else out for as long.
 */
const patience = {
  headersTimeout: 3_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 500,
} as const

export interface Listening {
  readonly port: number
  /** Lets answers under way finish (at most a second), closes every connection. */
  readonly close: () => Promise<void>
}

const why: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is busy',
  EADDRNOTAVAIL: 'cannot be used: this machine has no such address',
  ENOTFOUND: 'cannot be used: there is no such host',
}

const bind = (
  server: Server,
  at: { readonly host: string; readonly port: number; readonly remedy: string },
): Promise<number> =>
  new Promise((resolve, reject) => {
    const { host, port, remedy } = at
    server.once('error', (error: NodeJS.ErrnoException) => {
      const what = why[error.code ?? ''] ?? `cannot be used (${String(error.code)})`
      reject(
        new ForewordError(`port ${port} ${what}`, {
          where: `${host}:${port}`,
          remedy,
          cause: error,
        }),
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

/** Rejects with a ForewordError when the port is busy. */
export const listen = async (
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'],
  at: { readonly host: string; readonly port: number; readonly remedy: string },
): Promise<Listening> => {
  // The adaptor's type covers HTTP/2 too; without its options it is a node:http server.
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: patience,
  }) as Server
  server.maxConnections = connections_max
  const port = await bind(server, at)
  return { port, close: () => shutDown(server) }
}
