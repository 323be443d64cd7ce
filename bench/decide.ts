/**
 * One decision: 3 reads, 1 intent, everything recorded. The floor is what a hurried programmer writes:
 * the same reads, one update and one insert, awaited one by one at READ COMMITTED, nothing recorded, and
 * wrong whenever two of them meet.
 */
import { defaultLimits } from '../src/domain/config.ts'
import { defineDecider, update } from '../src/domain/decider.ts'
import { resourceId } from '../src/domain/resource-id.ts'
import type { Engine } from '../src/foreword.ts'
import { connectSql } from '../src/store/connect.ts'
import { benchDatabase, seedResources } from './database.ts'
import { hurried, makeFloor } from './hurried.ts'
import { compared, interleaved, perSecond, type BenchLine } from './rounds.ts'

const scope = 'bench'
const resources = 100_000
const callers_max = 16

const name = (): string => `r${Math.floor(Math.random() * resources)}`

const id = (): string => resourceId(scope, 'vm', name())

const resize = defineDecider({
  name: 'resize',
  version: 1,
  read: (q, input: { readonly names: readonly [string, string, string] }) => ({
    a: q.get('vm', input.names[0]),
    b: q.get('vm', input.names[1]),
    c: q.get('vm', input.names[2]),
  }),
  decide: ({ a }, input) => (a === null ? [] : update('vm', input.names[0], { size: 'm' })),
})

export const benchDecide = async (
  rounds: number,
  duration_ms: number,
): Promise<readonly BenchLine[]> => {
  const database = await benchDatabase()
  const floor = connectSql({
    url: database.url,
    application_name: 'foreword:floor',
    max: callers_max,
  })
  try {
    await seedResources(database.sql, { scope, kind: 'vm', count: resources })
    await makeFloor(database.sql)
    const limits = { ...defaultLimits, pool_connections_max: callers_max }
    const grouped = database.engine({ limits })
    const ungrouped = database.engine({ limits: { ...limits, group_decisions_max: 1 } })
    const decide = (engine: Engine) => async (): Promise<boolean> => {
      const names = [name(), name(), name()] as const
      return (await engine.decide(resize, { scope, input: { names } })).type === 'decided'
    }
    const lines: BenchLine[] = []
    for (const [label, callers, engine] of [
      ['1 caller', 1, grouped],
      ['16 callers', callers_max, grouped],
      ['16 callers ungrouped', callers_max, ungrouped],
    ] as const) {
      const measured = await interleaved(
        [
          { name: 'ours', run: (ms) => perSecond(callers, ms, decide(engine)) },
          {
            name: 'floor',
            run: (ms) => perSecond(callers, ms, () => hurried(floor, [id(), id(), id()])),
          },
        ],
        { rounds, duration_ms },
      )
      lines.push(
        compared(
          'decide',
          label,
          measured.get('ours') ?? [],
          measured.get('floor') ?? [],
          'decisions/s',
        ),
      )
    }
    return lines
  } finally {
    await floor.end({ timeout: 5 })
    await database.close()
  }
}
