/** The command as a person has it: a real process in a folder of its own, a database, a simulated cloud. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startCloud, type FaultsInput } from '../../src/cloud/index.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const main = path.join(repository, 'src/main.ts')
const library = pathToFileURL(path.join(repository, 'src/index.ts')).href

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Lines of stderr. */
  readonly errors: readonly string[]
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
  /** Waits until stdout shows it. */
  readonly shows: (pattern: RegExp) => Promise<RegExpExecArray>
  /** What stderr has shown so far. */
  readonly told: () => string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

export interface Bench {
  readonly folder: string
  readonly database: TestDatabase
  readonly cloud: string
  readonly start: (args: readonly string[], options?: RunOptions) => Running
  /** Runs a command to its end. */
  readonly foreword: (args: readonly string[], options?: RunOptions) => Promise<Ran>
  /** Writes a file into the folder; the name, as it is given to the command. */
  readonly write: (name: string, text: string) => Promise<string>
  /** Effects that the cloud really had: its own ledger. */
  readonly ledger: () => Promise<readonly Record<string, unknown>[]>
  readonly request: (method: string, at: string, body?: unknown) => Promise<Response>
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const configOf = (more: string): string => `
import { defineConfig, simulatedCloud } from ${JSON.stringify(library)}
const url = process.env.CLOUD_URL
const traits = { settle_ms: 20, sightings: 1, call_timeout_ms: 2000 }
export default defineConfig({ providers: [simulatedCloud({ url, traits })], ${more} })
`

export interface BenchOptions {
  readonly faults?: FaultsInput
  /** More of the configuration, as source text. */
  readonly config?: string
  readonly migrated?: boolean
}

/** Everything that a command needs; gone when the test is over. */
export const bench = async (t: Teardown, options: BenchOptions = {}): Promise<Bench> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreword-cli-'))
  const database = await testDatabase(t, { migrated: options.migrated ?? true })
  const cloud = await startCloud({ faults: options.faults ?? 'calm' })
  const children = new Set<ChildProcess>()
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL')
    await cloud.close()
    await rm(folder, { recursive: true, force: true })
  })
  await writeFile(path.join(folder, 'foreword.config.ts'), configOf(options.config ?? ''))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    FOREWORD_DATABASE_URL: database.url,
    CLOUD_URL: cloud.url,
  }
  const start = (args: readonly string[], given: RunOptions = {}): Running => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      env: { ...env, ...given.env },
    })
    children.add(child)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdin.on('error', () => undefined)
    child.stdin.end(given.input ?? '')
    const ended = new Promise<Ran>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        children.delete(child)
        const errors = stderr.split('\n').filter((line) => line !== '')
        resolve({ code, signal, stdout, stderr, errors })
      })
    })
    const shows = (pattern: RegExp): Promise<RegExpExecArray> =>
      eventually(
        `${args.join(' ')} shows ${String(pattern)}`,
        () => {
          const found = pattern.exec(stdout)
          if (found === null && child.exitCode !== null) throw new Error(`it ended: ${stderr}`)
          return found
        },
        { deadline_ms: 30_000 },
      )
    return { child, ended, shows, told: () => stderr }
  }
  const request: Bench['request'] = (method, at, body) =>
    fetch(`${cloud.url}${at}`, {
      method,
      headers: { 'x-account': 'acme', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    folder,
    database,
    cloud: cloud.url,
    start,
    foreword: (args, given) => start(args, given).ended,
    write: async (name, text) => {
      await writeFile(path.join(folder, name), text)
      return name
    },
    ledger: async () =>
      (await (await request('GET', '/admin/ledger')).json()) as readonly Record<string, unknown>[],
    request,
  }
}

/** A stack of the scope acme with so many DNS records, their ttl as given. */
export const recordStack = (count: number, ttl = 60): string =>
  JSON.stringify({
    scope: 'acme',
    resources: Array.from({ length: count }, (_, i) => ({
      kind: 'dns_record',
      name: `r${i}.example.org.`,
      labels: { role: 'web' },
      spec: { type: 'A', ttl, records: [`192.0.2.${i + 1}`] },
    })),
  })

/** How much was written of anything: what must not change where nothing may be written. */
export const written = async ({ database }: Bench): Promise<unknown> => {
  const [row] = await database.sql`
    select
      (select count(*) from foreword_private.desired) as desired,
      (select count(*) from foreword_private.resource) as resources,
      (select count(*) from foreword_private.resource_state) as states,
      (select count(*) from foreword_private.decision) as decisions,
      (select count(*) from foreword_private.entry) as entries,
      (select coalesce(sum(d.generation), 0) from foreword_private.desired d) as generations`
  return row
}
