/**
 * Light load: 50 decisions a second, each at its moment whether the one before is done or not; from the
 * call of `decide` to the commit of the outcome, by the server's own commit timestamps (taken just before
 * the log is flushed, 0.2 to 1 ms early). The worker is a process of its own; `here`: the deciding one. The
 * floors are the bars, but where the batch floor has done the same in the same rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DecideResult } from '../src/domain/result.ts'
import { floorSide } from './apply-floor.ts'
import { createOne, newName, scope, stubProvider } from './apply-unit.ts'
import { benchServer, type BenchDatabase, type BenchServer } from './database.ts'
import { kill, startProgram, startStub, type Stub } from './processes.ts'
import { compared, progress, type BenchLine } from './rounds.ts'

const per_second = 50
const bars = { p50: 8, p99: 30 } as const
const warm_up = 25

const now = (): number => performance.timeOrigin + performance.now()

interface Side {
  readonly name: string
  /** Resolves with a key once the work is durable. */
  readonly submit: () => Promise<string>
  /** When the outcomes under these keys were committed, in ms of the epoch; those that are there. */
  readonly outcomes: (keys: readonly string[]) => Promise<readonly { key: string; at: number }[]>
  readonly close: () => Promise<void>
}

const decided = (result: DecideResult): string => {
  if (result.type !== 'decided') throw new Error(JSON.stringify(result))
  return result.decision
}

const ourOutcomes =
  ({ sql }: BenchDatabase): Side['outcomes'] =>
  (keys) => sql`
    select
      e.decision as key,
      (extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000)::double precision as at
    from foreword_private.entry e
    where e.decision = any (${keys}::uuid[]) and e.settled_at is not null`

const apart = async (server: BenchServer, stub: Stub): Promise<Side> => {
  const database = await server.database()
  const { child } = await startProgram('worker.ts', [database.url, stub.url])
  const engine = database.engine({ providers: [stubProvider(stub.url)] })
  return {
    name: '',
    submit: async () => decided(await engine.decide(createOne, { scope, input: newName() })),
    outcomes: ourOutcomes(database),
    close: async () => {
      await kill(child)
      await database.close()
    },
  }
}

const here = async (server: BenchServer, stub: Stub): Promise<Side> => {
  const database = await server.database()
  const decide = database.engine({ providers: [stubProvider(stub.url)] }).decideHere
  return {
    name: 'here ',
    submit: async () => decided(await decide(createOne, { scope, input: newName() })),
    outcomes: ourOutcomes(database),
    close: database.close,
  }
}

const batchFloor = async (server: BenchServer, stub: Stub): Promise<Side> => {
  const { url, sql, close } = await server.database()
  const floor = await floorSide(url, stub.url, 4)
  return {
    name: 'floor',
    submit: async () => {
      const key = newName()
      await floor.submitAs(key)
      return key
    },
    outcomes: (keys) => sql`
      select
        j.name as key,
        (extract(epoch from pg_xact_commit_timestamp(j.xmin)) * 1000)::double precision as at
      from floor_job j
      where j.name = any (${keys}::text[]) and j.done_at is not null`,
    close: async () => {
      await floor.close()
      await close()
    },
  }
}

/** Milliseconds of each piece of work, sorted. */
const latencies = async (side: Side, count: number): Promise<readonly number[]> => {
  const started = performance.now()
  const begun: Promise<readonly [key: string, at: number]>[] = []
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, started + (i * 1_000) / per_second - performance.now()))
    const at = now()
    begun.push(side.submit().then((key) => [key, at]))
  }
  const all = (await Promise.all(begun)).slice(warm_up)
  for (;;) {
    const rows = await side.outcomes(all.map(([key]) => key))
    if (rows.length === all.length) {
      const outcomes = new Map(rows.map(({ key, at }) => [key, at]))
      return all.map(([key, at]) => (outcomes.get(key) ?? 0) - at).toSorted((a, b) => a - b)
    }
    await sleep(50)
  }
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

const quantiles = ['p50', 'p99'] as const

interface Measured {
  readonly p50: number
  readonly p99: number
}

const measure = async (
  sides: readonly Side[],
  rounds: number,
  count: number,
): Promise<ReadonlyMap<string, readonly Measured[]>> => {
  const measured = new Map<string, Measured[]>(sides.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) {
      const ms = await latencies(side, count)
      measured.get(side.name)?.push({ p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) })
    }
  }
  return measured
}

export const benchLatency = async (
  rounds: number,
  duration_ms: number,
): Promise<readonly BenchLine[]> => {
  const server = await benchServer(['track_commit_timestamp = on'])
  const stub = await startStub()
  const sides: Side[] = []
  try {
    for (const open of [apart, here, batchFloor]) sides.push(await open(server, stub))
    const count = warm_up + Math.ceil((duration_ms / 1_000) * per_second)
    const measured = await measure(sides, rounds, count)
    const of = (name: string, q: 'p50' | 'p99'): readonly number[] =>
      (measured.get(name) ?? []).map((m) => m[q])
    for (const q of quantiles) {
      progress(`latency ${q} ms`, { apart: of('', q), here: of('here ', q), floor: of('floor', q) })
    }
    const against = ['', 'here '].flatMap((name) =>
      quantiles.flatMap((q) => {
        const ours = of(name, q)
        const bar = ours.map(() => bars[q])
        return [
          compared('latency', `${name}${q} ms`, ours, bar, 'ms'),
          compared('latency', `${name}${q} ms vs batch floor`, ours, of('floor', q), 'ms'),
        ]
      }),
    )
    return against
  } finally {
    for (const side of sides) await side.close()
    await stub.close()
    await server.close()
  }
}
