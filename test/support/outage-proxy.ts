/** A way to the server that can be taken away, as when a database fails over, and be there again. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface OutageProxy {
  readonly url: string
  /** Closes all that is open, and refuses what comes. */
  readonly cut: () => Promise<void>
  readonly mend: () => Promise<void>
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export const outageProxy = async (t: Teardown, url: string): Promise<OutageProxy> => {
  const to = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname)
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => into.write(chunk))
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
    }
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(0)
  const at = new URL(url)
  at.hostname = '127.0.0.1'
  at.port = String((server.address() as AddressInfo).port)
  t.teardown(async () => {
    if (server.listening) await cut()
  })
  return { url: at.href, cut, mend: () => listen(Number(at.port)) }
}
