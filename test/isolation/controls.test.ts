import t from 'tap'
import { holdLaws, onServers } from './laws.ts'
import { controlSpecs, neighbourSpecs } from './specs/controls.ts'
import { totalsOf } from './suite.ts'

t.setTimeout(900_000)

onServers(t, 'deciders with nothing in common never disturb each other', (t, ground) =>
  holdLaws(t, ground, controlSpecs),
)

/** Of a spec's orders: two strangers share one of a thousand pages so seldom that one is rare, and three are a fault. */
const unlucky_max = 2

onServers(t, 'who finds and adds beside others hardly ever loses for nothing', (t, ground) =>
  holdLaws(t, ground, neighbourSpecs, (t, report, cast) => {
    const { name } = report.spec
    const totals = totalsOf(report)
    t.strictSame(totals.anomalies, [], `${name}, ${cast.name}`)
    t.equal(totals.serial_lost, 0, `${name}, ${cast.name}: who is alone loses to nobody`)
    if (!cast.locks) t.ok(totals.false_aborts <= unlucky_max, `${name}, ${cast.name}: in vain`)
  }),
)
