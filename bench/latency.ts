/**
 * Light load: 50 decisions a second, each at its moment whether the one before is done or not; from the
 * call of `decide` to the commit of the outcome, by the server's own commit timestamps (taken just before
 * the log is flushed, 0.2 to 1 ms early). The floors are the bars.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DecideResult } from '../src/domain/result.ts'
import { createOne, newName, scope, stubProvider } from './apply-unit.ts'
import { benchServer, type BenchDatabase } from './database.ts'
import { kill, startProgram, startStub } from './processes.ts'
import { compared, progress, type BenchLine } from './rounds.ts'

const per_second = 50
const bars = { p50: 8, p99: 30 } as const
const warm_up = 25

const now = (): number => performance.timeOrigin + performance.now()

type Decide = (name: string) => Promise<DecideResult>

const decided = async (decide: Decide): Promise<readonly [string, number]> => {
  const at = now()
  const result = await decide(newName())
  if (result.type !== 'decided') throw new Error(JSON.stringify(result))
  return [result.decision, at]
}

/** When the outcomes of these decisions were committed, in ms of the epoch. */
const outcomesOf = async (
  { sql }: BenchDatabase,
  decisions: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  for (;;) {
    const rows = await sql<{ decision: string; at: number }[]>`
      select
        e.decision,
        (extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000)::double precision as at
      from foreword_private.entry e
      where e.decision = any (${decisions}::uuid[]) and e.settled_at is not null`
    if (rows.length === decisions.length) return new Map(rows.map((r) => [r.decision, r.at]))
    await sleep(50)
  }
}

/** Milliseconds of each decision, sorted. */
const latencies = async (
  database: BenchDatabase,
  decide: Decide,
  count: number,
): Promise<readonly number[]> => {
  const started = performance.now()
  const begun: Promise<readonly [string, number]>[] = []
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, started + (i * 1_000) / per_second - performance.now()))
    begun.push(decided(decide))
  }
  const all = (await Promise.all(begun)).slice(warm_up)
  const outcomes = await outcomesOf(
    database,
    all.map(([decision]) => decision),
  )
  return all.map(([decision, at]) => (outcomes.get(decision) ?? 0) - at).toSorted((a, b) => a - b)
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

export const benchLatency = async (
  rounds: number,
  duration_ms: number,
): Promise<readonly BenchLine[]> => {
  const server = await benchServer(['track_commit_timestamp = on'])
  const stub = await startStub()
  const [apart, here] = [await server.database(), await server.database()]
  const { child } = await startProgram('worker.ts', [apart.url, stub.url])
  try {
    const deciding = apart.engine({ providers: [stubProvider(stub.url)] })
    const applying = here.engine({ providers: [stubProvider(stub.url)] })
    const died = (reason: string): never => {
      throw new Error(reason)
    }
    const decideHere = applying.decideHere(died)
    const sides: readonly [string, BenchDatabase, Decide][] = [
      ['', apart, (input) => deciding.decide(createOne, { scope, input })],
      ['here ', here, (input) => decideHere(createOne, { scope, input })],
    ]
    const count = warm_up + Math.ceil((duration_ms / 1_000) * per_second)
    const lines: BenchLine[] = []
    for (const [name, database, decide] of sides) {
      const measured: { readonly p50: number; readonly p99: number }[] = []
      for (let round = 0; round < rounds; round++) {
        const ms = await latencies(database, decide, count)
        measured.push({ p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) })
      }
      for (const q of ['p50', 'p99'] as const) {
        const ours = measured.map((m) => m[q])
        progress(`latency ${name}${q} ms`, { ours })
        const bar = ours.map(() => bars[q])
        lines.push(compared('latency', `${name}${q} ms`, ours, bar, 'ms'))
      }
    }
    return lines
  } finally {
    await kill(child)
    await Promise.all([apart.close(), here.close()])
    await stub.close()
    await server.close()
  }
}
