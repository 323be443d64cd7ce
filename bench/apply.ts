/**
 * Decide and apply, end to end: 16 submitters, one decision and one POST each, every outcome durable. A
 * decision reads one resource of 10,000 and changes it; `creates`: makes one that nobody has named before. The
 * floor is the same work by hand, stripped (apply-floor.ts); pg-boss and DBOS do it as their manuals say,
 * tuned (peers/). Each submits and applies in one process; the API is another process, on keep-alive.
 */
import { endToEnd, ours, peer } from './apply-sides.ts'
import { floorSide } from './apply-floor.ts'
import { resources, scope } from './apply-unit.ts'
import { benchServer, seedResources, type BenchServer } from './database.ts'
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

type Against = (typeof against)[number]

/** Ours, on a database of its own. */
const side = async (
  server: BenchServer,
  stub: Stub,
  name: 'update' | 'create',
): Promise<Running> => {
  const database = await server.database()
  await seedResources(database.sql, { scope, kind: 'vm', count: resources })
  const mine = ours(database, stub.url, name)
  return { name, run: (ms) => endToEnd(mine, callers, ms), close: database.close }
}

/** The batch floor, which rests while others are measured. */
const floorRun = async (url: string, stub: string): Promise<Omit<Running, 'name'>> => {
  const floor = await floorSide(url, stub, callers)
  floor.poll()()
  return {
    run: async (ms) => {
      const rest = floor.poll()
      try {
        return await endToEnd(floor, callers, ms)
      } finally {
        rest()
      }
    },
    close: floor.close,
  }
}

const opponent = async (server: BenchServer, stub: Stub, which: Against): Promise<Running> => {
  const { name, program } = which
  const { url, close } = await server.database()
  const other =
    program === null
      ? await floorRun(url, stub.url)
      : await peer(program, [url, stub.url, ...which.args])
  return {
    name,
    run: other.run,
    close: async () => {
      await other.close()
      await close()
    },
  }
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
    running.push(await side(server, stub, 'update'), await side(server, stub, 'create'))
    for (const which of wanted) running.push(await opponent(server, stub, which))
    const measured = await interleaved(running, { rounds, duration_ms })
    progress('apply', Object.fromEntries(measured))
    const { repeated } = await stub.counts()
    if (repeated > 0) throw new Error(`${repeated} POSTs came twice`)
    const line = (label: string, mine: string, theirs: string): BenchLine =>
      compared('apply', label, measured.get(mine) ?? [], measured.get(theirs) ?? [], 'effects/s')
    return wanted.flatMap(({ name }) => [
      line(name, 'update', name),
      line(`creates ${name}`, 'create', name),
    ])
  } finally {
    for (const { close } of running) await close()
    await stub.close()
    await server.close()
  }
}
