/**
 * Deciders that do meet: 10,000 resources, some more popular than others (zipf). 16 callers, each
 * decision reads three resources and updates one of them. Ours as it comes, grouped by itself; every
 * decision that meets another is decided again, and counted once.
 *
 * The floors: READ COMMITTED without locks, which is wrong whenever two meet; and, where they meet all
 * the time, the same with FOR UPDATE on all reads, which is right as long as nobody relies on absence,
 * counts or labels.
 */
import { defaultLimits } from '../src/domain/config.ts'
import { defineDecider, update } from '../src/domain/decider.ts'
import { resourceId } from '../src/domain/resource-id.ts'
import type { Engine } from '../src/foreword.ts'
import { connectSql } from '../src/store/connect.ts'
import { benchDatabase, seedResources } from './database.ts'
import { hurried, hurriedForUpdate, makeFloor } from './hurried.ts'
import { compared, interleaved, perSecond, progress, type BenchLine } from './rounds.ts'
import { seeded, zipf } from './zipf.ts'

const scope = 'bench'
const resources = 10_000
const callers = 16

type Names = readonly [string, string, string]

const cases = [
  { theta: 0, against: 'unsafe', floor: hurried },
  { theta: 0.8, against: 'unsafe', floor: hurried },
  { theta: 1.2, against: 'for update', floor: hurriedForUpdate },
] as const

const resize = defineDecider({
  name: 'resize',
  version: 1,
  read: (q, input: { readonly names: Names }) => ({
    a: q.get('vm', input.names[0]),
    b: q.get('vm', input.names[1]),
    c: q.get('vm', input.names[2]),
  }),
  decide: (_, input) => update('vm', input.names[0], { size: 'm' }),
})

/** Three different names for each call; the same ones for every side, caller by caller. */
const drawing = (theta: number): ((caller: number) => Names) => {
  const draw = zipf(resources, theta)
  const randoms = Array.from({ length: callers }, (_, caller) => seeded(caller + 1))
  return (caller) => {
    const drawn = new Set<number>()
    while (drawn.size < 3) drawn.add(draw(randoms[caller] ?? Math.random))
    const [a = 0, b = 0, c = 0] = drawn
    return [`r${a}`, `r${b}`, `r${c}`]
  }
}

const decided = async (engine: Engine, names: Names): Promise<boolean> => {
  const result = await engine.decide(resize, { scope, input: { names } })
  if (result.type === 'gave_up') return false
  if (result.type === 'decided') return true
  throw new Error(`not decided: ${JSON.stringify(result)}`)
}

const idsOf = ([a, b, c]: Names): readonly [string, string, string] => [
  resourceId(scope, 'vm', a),
  resourceId(scope, 'vm', b),
  resourceId(scope, 'vm', c),
]

export const benchContention = async (
  rounds: number,
  duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const database = await benchDatabase()
  const application_name = 'foreword:floor'
  const sql = connectSql({ url: database.url, application_name, max: callers })
  try {
    await seedResources(database.sql, { scope, kind: 'vm', count: resources })
    await makeFloor(database.sql)
    const engine = database.engine({
      limits: { ...defaultLimits, pool_connections_max: callers },
    })
    const lines: BenchLine[] = []
    for (const { theta, against, floor } of cases) {
      const name = `zipf ${theta} vs ${against}`
      if (!name.includes(only)) continue
      const run = (one: (names: Names) => Promise<boolean>) => (ms: number) => {
        const names = drawing(theta)
        return perSecond(callers, ms, (caller) => one(names(caller)))
      }
      const measured = await interleaved(
        [
          { name: 'ours', run: run((names) => decided(engine, names)) },
          { name: 'floor', run: run((names) => floor(sql, idsOf(names))) },
        ],
        { rounds, duration_ms },
      )
      const [mine = [], theirs = []] = ['ours', 'floor'].map((side) => measured.get(side))
      progress(`contention ${name}`, { ours: mine, floor: theirs })
      lines.push(compared('contention', name, mine, theirs, 'decisions/s'))
    }
    return lines
  } finally {
    await sql.end({ timeout: 5 })
    await database.close()
  }
}
