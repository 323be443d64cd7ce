/**
 * A worker is killed in the middle of ten calls whose effects have happened: how long until another
 * worker, a process of its own that was there before, acts on one of its intents, as the API sees it. The
 * API can only be asked what happened, so every second POST is a duplicate. The floors are the bars.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createOne, newName, scope, stubProvider } from './apply-unit.ts'
import { benchServer, type BenchDatabase } from './database.ts'
import { kill, startProgram, startStub, type Stub } from './processes.ts'
import { compared, progress, type BenchLine } from './rounds.ts'

const calls = 10
const bar_ms = 1_000
const patience_ms = 30_000

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const started = performance.now()
  while (!(await holds())) {
    if (performance.now() - started > patience_ms) throw new Error(`${what}: not in time`)
    await sleep(5)
  }
}

interface Takeover {
  readonly took_ms: number
  readonly repeated: number
}

const takeOver = async (database: BenchDatabase, stub: Stub): Promise<Takeover> => {
  const engine = database.engine({ providers: [stubProvider(stub.url, { idempotency: 'lookup' })] })
  const before = await stub.counts()
  const start = () => startProgram('worker.ts', [database.url, stub.url, 'held'])
  const first = await start()
  for (let i = 0; i < calls; i++) {
    const decided = await engine.decide(createOne, { scope, input: newName() })
    if (decided.type !== 'decided') throw new Error(JSON.stringify(decided))
  }
  await until('calls', async () => (await stub.counts()).posts === before.posts + calls)
  const second = await start()
  // Anywhere between two of its sweeps.
  await sleep(Math.random() * 1_000)
  await stub.mark()
  const killed_at = performance.timeOrigin + performance.now()
  await kill(first.child)
  await until('outcomes', async () => {
    const open = await database.sql`
      select from foreword_private.entry where settled_at is null limit 1`
    return open.length === 0
  })
  await kill(second.child)
  const after = await stub.counts()
  return {
    took_ms: (after.acted_at ?? Infinity) - killed_at,
    repeated: after.repeated - before.repeated,
  }
}

export const benchTakeover = async (rounds: number): Promise<readonly BenchLine[]> => {
  const server = await benchServer()
  const stub = await startStub()
  const database = await server.database()
  try {
    const measured: Takeover[] = []
    for (let round = 0; round < rounds; round++) {
      measured.push(await takeOver(database, stub))
      progress('takeover ms', { ours: measured.map((m) => m.took_ms) })
    }
    const took = measured.map((m) => m.took_ms)
    const repeated = measured.map((m) => m.repeated)
    return [
      compared(
        'takeover',
        'median ms',
        took,
        took.map(() => bar_ms),
        'ms',
      ),
      compared(
        'takeover',
        'repeated POSTs',
        repeated,
        repeated.map(() => 0),
        'calls',
      ),
    ]
  } finally {
    await database.close()
    await stub.close()
    await server.close()
  }
}
