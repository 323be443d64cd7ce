/**
 * `foreword plan` of a stack that is as its file says: the whole command, in a process of its own, from its start
 * to its end. A tenth of the resources are networks, in which the others stand, by references and by needs. The
 * floors are the bars. `cpu`: what the process used of it, which another's work on the machine does not lengthen.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { simulatedCloud } from '../src/providers/cloud.ts'
import { runConverge } from '../src/reconcile/run-converge.ts'
import { needsOf } from '../src/domain/reference.ts'
import type { Json } from '../src/domain/json.ts'
import { benchServer, type BenchServer } from './database.ts'
import { compared, progress, type BenchLine } from './rounds.ts'

const scope = 'acme'
const cases = [
  { name: '1,000 unchanged', count: 1_000, bar_s: 2 },
  { name: '10,000 unchanged', count: 10_000, bar_s: 10 },
] as const
/** Nobody listens there, and nobody is called. */
const nowhere = 'http://127.0.0.1:9'

interface Wanted {
  readonly kind: string
  readonly name: string
  readonly spec: Json
  readonly needs?: readonly string[]
}

const wantedAt = (i: number): Wanted => {
  const network = `n${Math.floor(i / 10)}`
  const ref = { ref: `network/${network}#id` }
  switch (i % 10) {
    case 0:
      return {
        kind: 'network',
        name: network,
        spec: { cidr: `10.${(i / 10) >> 8}.${(i / 10) & 255}.0/24` },
      }
    case 1:
    case 2:
      return { kind: 'ip', name: `ip${i}`, spec: { network: ref } }
    case 3:
    case 4:
    case 5:
      return { kind: 'vm', name: `vm${i}`, spec: { size: 's', network: ref } }
    default:
      return {
        kind: 'dns_record',
        name: `r${i}.example.org.`,
        spec: { type: 'A', ttl: 60, records: [`10.0.0.${i % 10}`] },
        needs: [`network/${network}`],
      }
  }
}

const yamlOf = (rows: readonly Wanted[]): string => {
  const one = ({ kind, name, spec, needs }: Wanted): string => {
    const needed = needs === undefined ? '' : `    needs: [${needs.join(', ')}]\n`
    return `  - kind: ${kind}\n    name: ${name}\n    spec: ${JSON.stringify(spec)}\n${needed}`
  }
  return `scope: ${scope}\nresources:\n${rows.map(one).join('')}`
}

const main = path.join(import.meta.dirname, '..', 'src', 'main.ts')
/** Told by the process itself, as it ends. */
const tellCpu = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => { const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1e6)) })",
)}`

interface Run {
  readonly wall_s: number
  readonly cpu_s: number
}

const runPlan = async (directory: string, count: number): Promise<Run> => {
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', tellCpu, main, 'plan', '-f', 'stack.yaml'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  let [said, cpu] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdio[3]?.on('data', (chunk: Buffer) => (cpu += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  const wall_s = (performance.now() - began) / 1_000
  if (code !== 0 || !said.includes(`No changes. ${count} resources as wanted.`)) {
    throw new Error(`foreword plan ended with ${String(code)}: ${said}`)
  }
  return { wall_s, cpu_s: Number(cpu) }
}

const measured = async (
  server: BenchServer,
  count: number,
  rounds: number,
): Promise<readonly Run[]> => {
  const database = await server.database()
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-bench-plan-'))
  try {
    const rows = Array.from({ length: count }, (_, i) => wantedAt(i))
    const engine = database.engine({ providers: simulatedCloud({ url: nowhere }) })
    await engine.reconcileDeps.store.want(
      rows.map((row) => ({
        scope,
        stack: 'default',
        labels: {},
        counters: {},
        ...row,
        needs: needsOf({ needs: [], ...row }),
      })),
      'bench',
    )
    await runConverge(engine.reconcileDeps)({ scope })
    await writeFile(path.join(directory, 'stack.yaml'), yamlOf(rows))
    const provider = path.join(import.meta.dirname, '..', 'src', 'providers', 'cloud.ts')
    await writeFile(
      path.join(directory, 'foreword.config.mjs'),
      `import { simulatedCloud } from ${JSON.stringify(provider)}\n` +
        `export default { database: ${JSON.stringify(database.url)}, providers: simulatedCloud({ url: '${nowhere}' }) }\n`,
    )
    const runs: Run[] = []
    for (let round = 0; round <= rounds; round++) runs.push(await runPlan(directory, count))
    // The first one finds the code and the tables cold.
    return runs.slice(1)
  } finally {
    await database.close()
    await rm(directory, { recursive: true, force: true })
  }
}

export const benchPlan = async (
  rounds: number,
  _duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const server = await benchServer()
  const lines: BenchLine[] = []
  try {
    for (const { name, count, bar_s } of cases.filter((one) => one.name.includes(only))) {
      const runs = await measured(server, count, rounds)
      const [wall, cpu] = [runs.map((run) => run.wall_s), runs.map((run) => run.cpu_s)]
      progress(`plan of ${name}, s`, { wall, cpu })
      const bar = runs.map(() => bar_s)
      lines.push(compared('plan', name, wall, bar, 's'))
      lines.push(compared('plan', `${name}, cpu`, cpu, bar, 's'))
    }
    return lines
  } finally {
    await server.close()
  }
}
