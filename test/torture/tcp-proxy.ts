/** A wire between processes and Postgres that can be cut, all of it or here and there. */
import net from 'node:net'

export interface Wire {
  /** The database's URL by way of this wire. */
  readonly url: string
  /** Cuts a share of the connections that are open. */
  readonly cut: (share: number, chance: () => number) => void
  /** While false, whoever connects is cut off at once. */
  open: boolean
  readonly close: () => void
}

export const startWire = async (url: string): Promise<Wire> => {
  const at = new URL(url)
  const folder = at.searchParams.get('host')
  const port = Number(at.port || '5432')
  const pairs = new Set<readonly [net.Socket, net.Socket]>()
  const listener = net.createServer((client) => {
    if (!wire.open) {
      client.destroy()
      return
    }
    const server =
      folder?.startsWith('/') === true
        ? net.connect(`${folder}/.s.PGSQL.${port}`)
        : net.connect(port, at.hostname)
    const pair = [client, server] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [server, client] as const]) {
      from.setNoDelay(true)
      from.on('error', () => undefined)
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const through = new URL(url)
  through.searchParams.delete('host')
  through.searchParams.set('sslmode', 'disable')
  through.hostname = '127.0.0.1'
  through.port = String((listener.address() as net.AddressInfo).port)
  const cutAll = (share: number, chance: () => number): void => {
    for (const pair of [...pairs]) {
      if (chance() >= share) continue
      for (const socket of pair) socket.destroy()
    }
  }
  const wire: Wire = {
    url: through.href,
    open: true,
    cut: cutAll,
    close: () => {
      cutAll(1, () => 0)
      listener.close()
    },
  }
  return wire
}
