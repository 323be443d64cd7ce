/** PgBouncer in front of a test's database, where this machine has one. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually } from './eventually.ts'

const program = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => path.join(folder, 'pgbouncer'))
  .find(existsSync)

/** For `skip` of a test. */
export const noPgbouncer: string | false =
  program === undefined ? 'this machine has no pgbouncer' : false

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const freePort = async (): Promise<number> => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })

export interface Pooling {
  readonly mode: 'session' | 'transaction'
  /** Lines of its configuration besides. */
  readonly more?: string
}

/** Starts one in front of the database of a URL; the URL through it. */
export const startPgbouncer = async (
  t: Teardown,
  url: string,
  { mode, more = '' }: Pooling,
): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreword-pgbouncer-'))
  const at = new URL(url)
  const port = await freePort()
  const name = at.pathname.slice(1)
  const server = `host=${at.hostname} port=${at.port} user=${at.username} password=${at.password}`
  const file = path.join(folder, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]
${name} = ${server} dbname=${name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = 50
${more}
`,
  )
  // It refuses to run as root, and whom it becomes must be able to read this.
  await chmod(folder, 0o755)
  await chmod(file, 0o644)
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(program ?? '', ['-q', ...user, file], { stdio: 'ignore' })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  await eventually('pgbouncer listens', () => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`)
    return answers(port)
  })
  at.port = String(port)
  return at.href
}
