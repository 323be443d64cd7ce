/** Stands before a server that has no TLS, and speaks TLS as a server of Postgres does: asked for in clear, by a number. */
import net from 'node:net'
import tls from 'node:tls'

/** For `localhost`, signed by itself, until the year 2126. Its key is worth nothing: nobody trusts it. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIURRohlMyL5I+9OjFaFZC0sR/Vi7swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjEyNTUwNVoYDzIxMjYxMTAy
MTI1NTA1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATEZG9QvhJv4s/OSzztt80mrRP6hIsXY/wpCK2tYLHlse+R+nQHx46W
/71oqv/PgS15x61N3Y2a++dqXT95qyJdo2kwZzAdBgNVHQ4EFgQUlhDJ7P6JvXrZ
k/YBh24z4ynsq3cwHwYDVR0jBBgwFoAUlhDJ7P6JvXrZk/YBh24z4ynsq3cwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAPWOQqYMH+OOh522gWW0KzrdDw+v9FPTc+vs5wUH+NMIAiBo/CaD3jtT
kAtEuK/mTzkPz93vLb1E9RjIlCC9R1UCxA==
-----END CERTIFICATE-----
`
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGx4QkpQ59JmjZVUo
US0c0vfulWxzgexCjsnCW+1wChihRANCAATEZG9QvhJv4s/OSzztt80mrRP6hIsX
Y/wpCK2tYLHlse+R+nQHx46W/71oqv/PgS15x61N3Y2a++dqXT95qyJd
-----END PRIVATE KEY-----
`

const ssl_request = 80_877_103

/** What a server says to whom its pg_hba.conf lets in by `hostssl` only. */
const refusal = ((): Buffer => {
  const fields = [
    'SFATAL',
    'VFATAL',
    'C28000',
    'Mno pg_hba.conf entry for host "::1", user "u", database "d", no encryption',
  ]
  const body = Buffer.from(`${fields.join('\0')}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
})()

const between = (a: NodeJS.ReadWriteStream, b: NodeJS.ReadWriteStream): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => {
      to.end()
    })
    from.pipe(to)
  }
}

/** Listens on any free port of `host`; the URL of the database behind it, there. */
export const tlsProxy = async (
  t: { teardown(handler: () => unknown): void },
  behind: string,
  host = '127.0.0.1',
): Promise<URL> => {
  const at = new URL(behind)
  const open = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.once('error', () => socket.destroy())
    socket.once('data', (first) => {
      if (first.length !== 8 || first.readInt32BE(4) !== ssl_request) {
        socket.end(refusal)
        return
      }
      socket.write('S')
      const secure = new tls.TLSSocket(socket, { isServer: true, cert: certificate, key })
      const up = net.connect(Number(at.port), at.hostname)
      open.add(up)
      between(secure, up)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const url = new URL(behind)
  url.host = host.includes(':') ? `[${host}]` : host
  url.port = String((server.address() as net.AddressInfo).port)
  return url
}
