/** A suite that finds nothing proves little: each precaution, left out, is one that it notices. */
import t from 'tap'
import { testDatabase } from '../support/database.ts'
import { flights } from './actors.ts'
import { mutants, not_here } from './mutants.ts'
import { openSessions } from './sessions.ts'
import { everySpec, without_counterpart } from './specs/every.ts'
import { runSpec, totalsOf, type Cast } from './suite.ts'

t.setTimeout(900_000)

const specs = new Map(everySpec.map((spec) => [spec.name, spec]))

t.test('what is not here is not here for a reason', async (t) => {
  t.ok(mutants.length >= 8, 'mutants of at least eight kinds')
  for (const [what, why] of not_here) t.comment(`no mutant: ${what}: ${why}`)
  for (const [what, why] of without_counterpart) t.comment(`no spec: ${what}: ${why}`)
  t.equal(specs.size, everySpec.length, 'every spec has a name of its own')
})

for (const mutant of mutants) {
  t.test(`without ${mutant.without} the suite says so`, async (t) => {
    const { url, sql } = await testDatabase(t)
    if (mutant.lives !== undefined && !(await mutant.lives(sql))) {
      t.comment(`${mutant.name}: no mutant on this server, its hole is closed`)
      return
    }
    await mutant.database?.(sql)
    const sessions = await openSessions(t, url, mutant.settings)
    const cast: Cast = {
      name: mutant.name,
      play: flights({ path: mutant.path, held: false }),
      prepared: 'unread',
      locks: false,
    }
    for (const name of mutant.killed_by) {
      const spec = specs.get(name)
      if (spec === undefined) throw new Error(`no spec ${name}`)
      const totals = totalsOf(await runSpec(sessions, spec, cast))
      const found = mutant.shows === 'anomaly' ? totals.anomalies.length : totals.false_aborts
      t.ok(found > 0, `${mutant.name}: killed by ${name}`)
      t.comment(`${mutant.name}: killed by ${name}, ${found} times (${mutant.shows})`)
      if (totals.anomalies[0] !== undefined) t.comment(`  ${totals.anomalies[0]}`)
    }
  })
}
