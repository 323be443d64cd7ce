/** A short run of `npm run torture`: the same laws, a few schedules. */
import t from 'tap'
import { isClean } from './tally.ts'
import { openGrounds, torture } from './torture.ts'

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
  t.comment(JSON.stringify(tally))
})
