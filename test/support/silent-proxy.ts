/** A way to the server that can fall silent, as when a cable is pulled: nothing is closed, nothing arrives. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface SilentProxy {
  readonly url: string
  readonly fallSilent: () => void
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export const silentProxy = async (t: Teardown, url: string): Promise<SilentProxy> => {
  const to = new URL(url)
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname)
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (!silent) into.write(chunk)
      })
      from.on('error', () => undefined)
      from.on('close', () => {
        if (!silent) into.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const at = new URL(url)
  at.hostname = '127.0.0.1'
  at.port = String((server.address() as AddressInfo).port)
  return { url: at.href, fallSilent: () => (silent = true) }
}
