/** `npm run demo` as its users meet it: a process, its output, its exit code, and nothing left. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const repository = path.resolve(import.meta.dirname, '../..')
const deadline_ms = 180_000

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the demo; `onOutput` sees all of stdout so far, each time that there is more. */
const runDemo = (
  args: readonly string[],
  onOutput: (stdout: string, interrupt: () => void) => void = () => undefined,
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['examples/demo/main.ts', ...args], {
      cwd: repository,
      // A database in the environment is none of the demo's business: this one does not exist.
      env: { ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const late = setTimeout(() => child.kill('SIGTERM'), deadline_ms)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      onOutput(stdout, () => child.kill('SIGINT'))
    })
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(late)
      resolve({ code, stdout, stderr })
    })
  })

/** The folder that the demo said it made. */
const folderOf = (stdout: string): string => /under (\S+)/.exec(stdout)?.[1] ?? ''

/** A count of the summary by the name of its row. */
const countOf = (stdout: string, row: string): number =>
  Number(new RegExp(`^ +${row} +(\\d+)`, 'm').exec(stdout)?.[1] ?? NaN)

t.test('the demo keeps what foreword promises, and says so by SELECT', async (t) => {
  const { code, stdout, stderr } = await runDemo(['--quick'])
  t.equal(code, 0, 'it exits 0', { stdout, stderr })
  t.equal(stderr, '')
  // 6 vms of the race, 6 of the launch, 2 repairs; besides them the decision that believes the drift.
  t.equal(countOf(stdout, 'intents'), 14)
  t.equal(countOf(stdout, 'of them confirmed'), 14)
  t.equal(countOf(stdout, 'effects at the cloud'), 14)
  t.equal(countOf(stdout, 'decisions refused'), 6)
  t.ok(countOf(stdout, 'decisions committed') >= 9)
  t.ok(countOf(stdout, 'tries aborted and decided again') >= 0)
  t.ok(countOf(stdout, 'since the worker was killed') > 0)
  t.equal(countOf(stdout, 'drifts found'), 2)
  t.equal(countOf(stdout, 'of them repaired'), 2)
  t.equal(countOf(stdout, 'intents open'), 0)
  t.match(stdout, 'each of the 14 intents has exactly one effect')
  t.notMatch(stdout, '✗')
  t.notMatch(stdout, '\u001b', 'no colours into a pipe')
  t.not(folderOf(stdout), '')
  t.notOk(existsSync(folderOf(stdout)), 'its database is gone')
})

t.test('Ctrl-C ends the demo and all that it has started', async (t) => {
  let interrupted = false
  const { code, stdout, stderr } = await runDemo(['--quick'], (so_far, interrupt) => {
    if (interrupted || !so_far.includes('✓ two workers')) return
    interrupted = true
    interrupt()
  })
  t.equal(code, 130)
  t.equal(stderr, '')
  const pids = [...stdout.matchAll(/pids? ([\d and]+\d)/g)]
    .flatMap(([, text = '']) => text.split(' and '))
    .map(Number)
  t.equal(pids.length, 3, 'a cloud and two workers')
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  t.notOk(existsSync(folderOf(stdout)))
})

t.test('a wrong option is told in one line, and nothing is started', async (t) => {
  const { code, stdout, stderr } = await runDemo(['--fast'])
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /^foreword: .*--fast.*; see npm run demo -- --help\n$/)
})
