/** What a page is run in: a folder, a database, a simulated cloud where it wants one, and `foreword` on the path. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { cloudFaults, startCloud } from '../../src/cloud/index.ts'
import { testDatabase } from '../support/database.ts'
import { startPowerdns } from '../support/powerdns.ts'
import { repository, type Page } from './page.ts'
import { openShell, type Shell } from './shell.ts'

export interface World {
  readonly folder: string
  /** A text of the page with its ports as they are here: pages run beside each other. */
  readonly here: (text: string) => string
  /** A moment that the page names is this one. */
  readonly now: (moment: string) => void
  readonly shell: Shell
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

/** Ports that pages name. */
const ports_named = ['7070', '3673', '8090'] as const

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const script = async (folder: string, name: string, text: string): Promise<void> => {
  await writeFile(path.join(folder, name), `#!/usr/bin/env bash\n${text}\n`)
  await chmod(path.join(folder, name), 0o755)
}

/** `eventually COMMAND…`: until it succeeds; `eventually_sql QUERY`: until it answers t. */
const helpers = {
  eventually: `for _ in $(seq 150); do "$@" >/dev/null 2>&1 && exit 0; sleep 0.2; done
echo "not within 30 s: $*" >&2; exit 1`,
  eventually_sql: `url=$(foreword url)
for _ in $(seq 150); do
  [ "$(psql -XqAt "$url" -c "select ($1)::boolean" 2>/dev/null)" = t ] && exit 0; sleep 0.2
done
echo "not within 30 s: $1" >&2; exit 1`,
} as const

/** Commands, and the packages that a project of one's own has installed. */
const equip = async (root: string, folder: string): Promise<string> => {
  const bin = path.join(root, 'bin')
  await mkdir(bin)
  const main = path.join(repository, 'src/main.ts')
  await script(bin, 'foreword', `exec '${process.execPath}' '${main}' "$@"`)
  for (const [name, text] of Object.entries(helpers)) await script(bin, name, text)
  // Plain JavaScript, since Node strips no types below node_modules.
  const own = path.join(folder, 'node_modules/foreword')
  await mkdir(own, { recursive: true })
  const manifest = { name: 'foreword', type: 'module', exports: './index.js' }
  await writeFile(path.join(own, 'package.json'), JSON.stringify(manifest))
  const library = pathToFileURL(path.join(repository, 'src/index.ts')).href
  await writeFile(path.join(own, 'index.js'), `export * from '${library}'\n`)
  for (const name of ['io-ts', 'fp-ts']) {
    await symlink(
      path.join(repository, 'node_modules', name),
      path.join(folder, 'node_modules', name),
    )
  }
  // No meter of its progress where stderr is no terminal.
  await writeFile(path.join(root, '.curlrc'), 'silent\nshow-error\n')
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  return bin
}

const openCloud = async (t: Teardown, faults: string, port: number): Promise<void> => {
  const parsed = cloudFaults.parse(faults === '' ? 'calm' : faults)
  if (E.isLeft(parsed)) throw new Error(parsed.left)
  const cloud = await startCloud({ port, faults: parsed.right })
  t.teardown(() => cloud.close())
}

/** PowerDNS with a secondary, in place of the one of the page; what its commands are given. */
const openPowerdns = async (
  t: Teardown,
  page: Page,
  ports: Map<string, string>,
): Promise<NodeJS.ProcessEnv> => {
  const zone = page.notes.get('powerdns')?.rest
  if (zone === undefined) return {}
  const dns = await startPowerdns()
  t.teardown(() => dns.stop())
  await dns.replicate(zone)
  ports.set('18081', new URL(dns.primary.url).port)
  ports.set('127.0.0.3:53', dns.secondary.dns)
  return { PDNS_API_KEY: dns.primary.api_key, PDNS_URL: dns.primary.url }
}

/** The world of a page, gone when the test is over. */
export const openWorld = async (t: Teardown, page: Page): Promise<World> => {
  const root = await mkdtemp(path.join(tmpdir(), 'foreword-docs-'))
  const folder = path.join(root, 'work')
  await mkdir(folder)
  const bin = await equip(root, folder)
  const given = page.notes.has('embedded')
    ? undefined
    : await testDatabase(t, { migrated: !page.notes.has('unmigrated') })
  const spare = await testDatabase(t, { migrated: true })
  const ports = new Map<string, string>()
  for (const port of ports_named) ports.set(port, String(await freePort()))
  const cloud = page.notes.get('cloud')
  if (cloud !== undefined) await openCloud(t, cloud.rest, Number(ports.get('7070')))
  const env = {
    PATH: `${bin}:${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: root,
    USER: 'ada',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    PAGER: 'cat',
    PSQLRC: '/dev/null',
    NO_COLOR: '1',
    REPOSITORY: repository,
    ...(given === undefined ? {} : { FOREWORD_DATABASE_URL: given.url }),
    SPARE_DATABASE_URL: spare.url,
    ...(await openPowerdns(t, page, ports)),
  }
  const shell = openShell(folder, root, env)
  t.teardown(async () => {
    await shell.close()
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  })
  const named = new RegExp(`\\b(${[...ports.keys()].join('|')})\\b`, 'g')
  const moments = new Map<string, string>()
  const here = (text: string): string =>
    [...moments].reduce(
      (so_far, [moment, is]) => so_far.replaceAll(moment, is),
      text.replace(named, (port) => ports.get(port) ?? port),
    )
  const now = (moment: string): void => {
    const is = new Date().toISOString()
    moments.set(moment, is).set(moment.replace('T', ' '), is.replace('T', ' '))
  }
  return { folder, here, now, shell }
}

/** A program that a page needs and that is not here; undefined: nothing is missing. */
export const missingFor = (page: Page): string | undefined =>
  (page.notes.get('needs')?.rest ?? '')
    .split(' ')
    .filter((name) => name !== '')
    .find(
      (name) =>
        ![...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin'].some((folder) =>
          existsSync(path.join(folder, name)),
        ),
    )
