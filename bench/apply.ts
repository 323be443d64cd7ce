/**
 * Decide and apply, end to end: 16 submitters, one decision and one POST each, every outcome durable. The
 * floor is the same work by hand, stripped (apply-floor.ts); pg-boss and DBOS do it as their manuals say,
 * tuned (peers/). Each submits and applies in one process; the API is another process, on keep-alive.
 */
import { endToEnd, ours, peer, type Peer } from './apply-sides.ts'
import { floorSide } from './apply-floor.ts'
import { benchServer, type BenchServer } from './database.ts'
import { startStub, type Stub } from './processes.ts'
import { compared, interleaved, progress, type BenchLine, type Contender } from './rounds.ts'

const callers = 16

const against = [
  { name: 'vs batch floor', program: null },
  { name: 'vs pg-boss', program: 'pg-boss.js', args: ['notify'] },
  { name: 'vs pg-boss polling', program: 'pg-boss.js', args: [] },
  { name: 'vs dbos', program: 'dbos.js', args: [] },
] as const

interface Running extends Contender {
  readonly close: () => Promise<void>
}

const contenders = async (
  server: BenchServer,
  stub: Stub,
  wanted: readonly (typeof against)[number][],
): Promise<readonly Running[]> => {
  const database = await server.database()
  const mine = ours(database, stub.url)
  const running: Running[] = [
    { name: 'ours', run: (ms) => endToEnd(mine, callers, ms), close: database.close },
  ]
  for (const side of wanted) {
    const { name } = side
    const { url, close } = await server.database()
    if (side.program === null) {
      const floor = await floorSide(url, stub.url, callers)
      const end = async (): Promise<void> => {
        await floor.close()
        await close()
      }
      running.push({ name, run: (ms) => endToEnd(floor, callers, ms), close: end })
    } else {
      const other: Peer = await peer(side.program, [url, stub.url, ...side.args])
      const end = async (): Promise<void> => {
        await other.close()
        await close()
      }
      running.push({ name, run: other.run, close: end })
    }
  }
  return running
}

export const benchApply = async (
  rounds: number,
  duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const wanted = against.filter(({ name }) => name.includes(only))
  const server = await benchServer()
  const stub = await startStub()
  const running: Running[] = []
  try {
    running.push(...(await contenders(server, stub, wanted)))
    const measured = await interleaved(running, { rounds, duration_ms })
    progress('apply', Object.fromEntries(measured))
    const { repeated } = await stub.counts()
    if (repeated > 0) throw new Error(`${repeated} POSTs came twice`)
    const mine = measured.get('ours') ?? []
    return wanted.map(({ name }) =>
      compared('apply', name, mine, measured.get(name) ?? [], 'effects/s'),
    )
  } finally {
    for (const { close } of running) await close()
    await stub.close()
    await server.close()
  }
}
