/**
 * `npm test [-- FILE…]`: all tests against one throw-away Postgres, by tap. A line per test file,
 * what it measured (`t.comment`), what failed and why below it, and as the last line the asserts:
 * `N passed, N failed`.
 *
 * DATABASE_URL names another server to test against; test files make databases of their own on it.
 * Laws that must hold on each version of Postgres start, or join, servers of their own beside it.
 * The lines are ours and not of tap's reporters, which draw over their own, also in a log; tap's own
 * summary follows them.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { Parser, type Result } from 'tap-parser'
import { openEmbedded } from '../src/store/embedded/open.ts'
import { serverDirectory, stopServers } from './support/servers.ts'

interface Tally {
  passed: number
  failed: number
}

interface Server {
  readonly url: string
  close(): Promise<void>
}

const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Asked anew each time: a signal may have come since. */
const wasInterrupted = (): boolean => interrupted !== undefined

/** The child that runs now: who interrupts us means it. */
let running: ChildProcess | undefined
let interrupted: NodeJS.Signals | undefined
for (const signal of interrupts) {
  process.on(signal, () => {
    interrupted = signal
    running?.kill(signal)
  })
}

/** Runs tap to its end; the answer is its exit code, 1 where it died of a signal. */
const tap = async (
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly stdio: StdioOptions },
  started: (child: ChildProcess) => void = () => undefined,
): Promise<number> => {
  const child = spawn('tap', args, { ...options, env: { ...process.env, ...options.env } })
  running = child
  started(child)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        resolve(code ?? 1)
      })
    })
  } finally {
    running = undefined
  }
}

/**
 * tap compiles its set of plugins into node_modules, where the first run would do it too late for
 * itself: it would load the plugins it was told to leave out, and find no tests.
 */
const buildPlugins = async (): Promise<void> => {
  // A link into .tap/ that only a build makes: absent or dead where one of the folders is fresh.
  if (existsSync('node_modules/@tapjs/test/test-built/node_modules')) return
  console.log('building the plugins of tap, once')
  if ((await tap(['build'], { stdio: 'inherit' })) !== 0) throw new Error('tap build failed')
}

/** Of what tap says about a failure, that which every test file has or that the rest says again. */
const noise = new Set(['args', 'command', 'cwd', 'externalID', 'jobId', 'source', 'stdio'])

const explain = ({ fullname, diag }: Result): string => {
  const facts = Object.entries((diag ?? {}) as Record<string, unknown>)
    .filter(([key]) => !noise.has(key))
    .map(
      ([key, value]) => `${key}: ${typeof value === 'string' ? value.trimEnd() : inspect(value)}`,
    )
  return ['', `not ok ${fullname}`, ...facts].join('\n').replaceAll('\n', '\n    ')
}

/** Comments that tap writes of its own. */
const chatter = /^# (Subtest|time=|\{|No coverage|test count)/

const tellComments = (parser: Parser): void => {
  parser.on('comment', (text: string) => {
    if (!chatter.test(text)) console.log(text.trimEnd())
  })
  parser.on('child', tellComments)
}

/**
 * Reads the TAP of a run, tells about each file as it ends, and counts its asserts into the tally.
 * Skipped ones and todos are neither passed nor failed.
 */
const listener = (tally: Tally): Parser => {
  const parser = new Parser()
  tellComments(parser)
  let failures: Result[] = []
  let asserts = 0
  let told = ''
  // What tests print to stdout.
  parser.on('extra', (text: string) => {
    if (text.trim() !== '') console.log(text.trimEnd())
  })
  parser.on('result', (result: Result) => {
    asserts += 1
    if (result.skip !== false || result.todo !== false) return
    if (result.ok) {
      tally.passed += 1
      return
    }
    tally.failed += 1
    // The file itself failed (exit code, timeout), with its line already told.
    if (result.fullname === told) console.log(explain(result).slice(1))
    else failures.push(result)
  })
  parser.on('assert', ({ ok, name, time }: Result) => {
    const took = time === null ? '' : `, ${(time / 1_000).toFixed(1)} s`
    console.log(
      `${ok ? 'ok' : 'not ok'} ${name} (${asserts}${took})${failures.map(explain).join('')}`,
    )
    told = name
    failures = []
    asserts = 0
  })
  return parser
}

const runTests = async (
  url: string,
  directory: string,
  files: readonly string[],
): Promise<Tally> => {
  const tally = { passed: 0, failed: 0 }
  const code = await tap(
    ['run', '--reporter=tap', ...files],
    {
      env: { FOREWORD_TEST_DATABASE_URL: url, FOREWORD_TEST_DIRECTORY: directory },
      stdio: ['inherit', 'pipe', 'inherit'],
    },
    (child) => child.stdout?.pipe(listener(tally)),
  )
  // A run that dies outside of any assert has failed all the same.
  if (code !== 0 && tally.failed === 0) tally.failed = 1
  return tally
}

/** tap's own summary of the run, without what its reporter draws before it. */
const summary = async (files: readonly string[]): Promise<void> => {
  let text = ''
  await tap(
    ['replay', '--reporter=terse', ...files],
    { stdio: ['ignore', 'pipe', 'ignore'] },
    (child) => child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part)),
  )
  const from = text.lastIndexOf('\nAsserts:')
  if (from >= 0) console.log(text.slice(from).trimEnd())
}

const openServer = async (directory: string): Promise<Server> => {
  const given = process.env['FOREWORD_TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'] ?? ''
  if (given !== '') return { url: given, close: async () => undefined }
  return await openEmbedded({ directory, mode: 'own', fsync: false })
}

const main = async (): Promise<Tally> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'foreword-test-'))
  try {
    await buildPlugins()
    const server = await openServer(serverDirectory(directory, 18))
    try {
      if (wasInterrupted()) return { passed: 0, failed: 0 }
      const files = process.argv.slice(2)
      const tally = await runTests(server.url, directory, files)
      if (!wasInterrupted()) await summary(files)
      return tally
    } finally {
      await server.close()
    }
  } finally {
    await stopServers(directory)
    await rm(directory, { recursive: true, force: true })
  }
}

const { passed, failed } = await main()
if (interrupted !== undefined) {
  // Told to stop, we stop as told, so that a script that called us stops too.
  for (const signal of interrupts) process.removeAllListeners(signal)
  process.kill(process.pid, interrupted)
}
// No test at all is no success: a wrong pattern must not look green.
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed`)
