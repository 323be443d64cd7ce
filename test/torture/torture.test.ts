/** A short run of `npm run torture`: the same laws, a few schedules. */
import t from 'tap'
import { testDatabase } from '../support/database.ts'
import { openGrounds } from './grounds.ts'
import { huntAll } from './hunt.ts'
import { mutants, spared } from './mutants.ts'
import { makeRoom, mutateDatabase } from './mutate.ts'
import { isClean } from './tally.ts'
import { torture } from './torture.ts'

t.setTimeout(600_000)

t.test('whatever dies when, nothing is lost and nothing is done twice', async (t) => {
  const grounds = await openGrounds()
  t.teardown(grounds.close)
  const told: string[] = []
  const tally = await torture(grounds, {
    schedules: 8,
    seed: 124,
    progress: (line) => told.push(line),
  })
  t.ok(isClean(tally), told.join('\n'))
  t.ok(tally.decisions > 0 && tally.effects > 0 && tally.sprung > 0, 'and something went on')
  t.comment(`tally ${JSON.stringify(tally)}`)
})

t.test('every mutant can be made of foreword as it is', async (t) => {
  const { sql } = await testDatabase(t)
  for (const mutant of [...mutants, ...spared]) {
    makeRoom(mutant, false).remove()
    const made = sql.begin(async (tx) => {
      await mutateDatabase(tx, mutant)
      throw new Error('made')
    })
    await t.rejects(made, { message: 'made' }, mutant.name)
  }
})

/** Of each sort one that is quickly found: in SQL, in the lifecycle, in the store. All of them: npm run torture. */
const some = [
  'no attempt is written down before the call',
  'a call of unknown outcome is made again',
  'nothing is certified',
  'each attempt has a key of its own',
  'a lost COMMIT is taken for none',
  'what relied on a rejected intent stays',
]

t.test('foreword with one precaution missing is found out', async (t) => {
  const grounds = await openGrounds()
  t.teardown(grounds.close)
  const told: string[] = []
  const bag = await huntAll(grounds, { only: some, progress: (line) => told.push(line) })
  t.same(bag, { mutants: some.length, killed: some.length, not_spared: 0 }, told.join('\n'))
  for (const line of told) t.comment(line)
})
