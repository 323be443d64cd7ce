/** A PowerDNS primary and a secondary of their own, on free ports of loopback, their data in a temporary folder. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const schema = '/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql'
const start_deadline_ms = 20_000

const binary = (): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, 'pdns_server'))
    .find(existsSync)

/** What `t.skip` is told; false: PowerDNS is there. */
export const powerdnsIsMissing = (): string | false => {
  if (binary() === undefined) return 'pdns_server is not installed'
  return existsSync(schema) ? false : 'the sqlite3 backend of pdns_server is not installed'
}

export interface PowerdnsServer {
  readonly url: string
  readonly api_key: string
  /** `127.0.0.1:PORT`, UDP and TCP. */
  readonly dns: string
}

export interface Powerdns extends AsyncDisposable {
  readonly primary: PowerdnsServer
  readonly secondary: PowerdnsServer
  /** Calls an API behind the back of everyone: `['PATCH', '/zones/example.org.', {…}]`. */
  request(server: PowerdnsServer, method: string, path: string, body?: unknown): Promise<Response>
  /** Makes the secondary hold a zone from now on; it is filled when the primary has it. */
  replicate(zone: string): Promise<void>
  stop(): Promise<void>
}

/** A port that is free for TCP, and with `udp` for both. */
const freePort = async (udp: boolean): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  if (!udp) return port
  const socket = createSocket('udp4')
  try {
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return port
  } catch {
    return await freePort(udp)
  } finally {
    socket.close()
  }
}

const common = (folder: string): readonly string[] => [
  'launch=gsqlite3',
  `gsqlite3-database=${join(folder, 'pdns.db')}`,
  'gsqlite3-pragma-synchronous=0',
  `socket-dir=${folder}`,
  'api=yes',
  'webserver=yes',
  'webserver-address=127.0.0.1',
  'webserver-allow-from=127.0.0.0/8',
  'local-address=127.0.0.1',
  'query-local-address=127.0.0.1',
  'daemon=no',
  'guardian=no',
  'setuid=',
  'setgid=',
  'version-string=anonymous',
  'security-poll-suffix=',
  // Without caches a change shows at once, and without the zone cache a new zone does.
  'cache-ttl=0',
  'query-cache-ttl=0',
  'negquery-cache-ttl=0',
  'zone-cache-refresh-interval=0',
  'xfr-cycle-interval=1',
  'loglevel=4',
]

interface Started {
  readonly server: PowerdnsServer
  readonly process: ChildProcess
}

const start = async (
  root: string,
  role: 'primary' | 'secondary',
  dns_port: number,
  more: readonly string[],
): Promise<Started> => {
  const folder = mkdtempSync(join(root, `${role}-`))
  const database = new DatabaseSync(join(folder, 'pdns.db'))
  database.exec(readFileSync(schema, 'utf8'))
  database.close()
  const port = await freePort(false)
  const api_key = `${role}-${crypto.randomUUID()}`
  const settings = [`api-key=${api_key}`, `webserver-port=${port}`, `local-port=${dns_port}`]
  writeFileSync(join(folder, 'pdns.conf'), [...common(folder), ...settings, ...more, ''].join('\n'))
  const child = spawn(binary() ?? 'pdns_server', [`--config-dir=${folder}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4_000)))
  const server = { url: `http://127.0.0.1:${port}`, api_key, dns: `127.0.0.1:${dns_port}` }
  try {
    await answers(server, child)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`pdns_server (${role}) does not start: ${log}`, { cause: error })
  }
  return { server, process: child }
}

const request: Powerdns['request'] = (server, method, path, body) =>
  fetch(`${server.url}/api/v1/servers/localhost${path}`, {
    method,
    headers: { 'x-api-key': server.api_key, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const answers = async (server: PowerdnsServer, child: ChildProcess): Promise<void> => {
  const until = Date.now() + start_deadline_ms
  while (child.exitCode === null) {
    const answer = await request(server, 'GET', '').catch(() => null)
    if (answer?.ok === true) return
    if (Date.now() > until) throw new Error('no answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`it ended with ${child.exitCode}`)
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  // A server that is busy transferring takes its time to end, and nothing of it is kept.
  child.kill('SIGKILL')
  await ended
}

/** Starts both. The primary notifies the secondary, which then lags by about a second. */
export const startPowerdns = async (): Promise<Powerdns> => {
  const root = mkdtempSync(join(tmpdir(), 'foreword-pdns-'))
  const running: Started[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map(({ process }) => end(process)))
    rmSync(root, { recursive: true, force: true })
  }
  try {
    const [primary_port, secondary_port] = [await freePort(true), await freePort(true)]
    running.push(
      await start(root, 'primary', primary_port, [
        'primary=yes',
        'allow-axfr-ips=127.0.0.0/8',
        `also-notify=127.0.0.1:${secondary_port}`,
        'only-notify=',
      ]),
    )
    running.push(
      await start(root, 'secondary', secondary_port, [
        'secondary=yes',
        'allow-notify-from=127.0.0.0/8',
      ]),
    )
    const [primary, secondary] = running.map(({ server }) => server)
    if (primary === undefined || secondary === undefined) throw new Error('unreachable')
    const replicate = async (zone: string): Promise<void> => {
      const body = { name: zone, kind: 'Slave', masters: [primary.dns], nameservers: [] }
      const answer = await request(secondary, 'POST', '/zones', body)
      if (!answer.ok) throw new Error(`the secondary refuses ${zone}: ${await answer.text()}`)
    }
    return { primary, secondary, request, replicate, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
