/**
 * The URL as the driver of the queue takes it, which is another than that of decisions: it reads `require` as
 * `verify-full`, cannot do without TLS where a server has none, and loses the brackets of an address only sometimes.
 */
import net from 'node:net'
import { serverOf, type Server } from './database-url.ts'

/** What begins TLS: a length, and the number that stands for it. */
const ssl_request = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const answer_timeout_ms = 10_000

/** Whether a server offers TLS. One that says nothing is left to who connects next, who tells of it. */
const offersTls = ({ host = 'localhost', port = 5432 }: Server): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = host.startsWith('/')
      ? net.connect(`${host}/.s.PGSQL.${port}`)
      : net.connect(port, host)
    const end = (offers: boolean): void => {
      socket.destroy()
      resolve(offers)
    }
    socket.setTimeout(answer_timeout_ms)
    socket.once('connect', () => socket.write(ssl_request))
    socket.once('data', (answer) => {
      end(answer[0] === 'S'.charCodeAt(0))
    })
    for (const event of ['error', 'close', 'timeout'])
      socket.once(event, () => {
        end(false)
      })
  })

const modeOf = async (server: Server): Promise<Server['mode']> => {
  if (server.mode !== 'prefer' && server.mode !== 'allow') return server.mode
  return (await offersTls(server)) ? 'require' : 'disable'
}

export const queueUrl = async (url: string): Promise<string> => {
  const server = serverOf(url)
  const mode = await modeOf(server)
  const said = {
    host: server.host,
    port: server.port?.toString(),
    user: server.user,
    password: server.password,
    sslmode: mode,
    // Without it `require` means `verify-full`, and is warned of.
    uselibpqcompat: mode === 'disable' ? undefined : 'true',
    sslrootcert: server.root,
    sslcert: server.certificate,
    sslkey: server.key,
    ...server.settings,
  }
  const given = Object.entries(said).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const query = new URLSearchParams(given).toString()
  return `postgres:///${encodeURIComponent(server.database ?? '')}?${query}`
}
