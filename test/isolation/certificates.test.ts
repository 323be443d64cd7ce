/**
 * The second line: decisions are certified before anything is carried out. Here they are made without
 * the first one, at REPEATABLE READ with the guards taken down, and every anomaly must be refused.
 */
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { flights } from './actors.ts'
import { historyIsSerializable, refusedIn } from './history.ts'
import { onServers } from './laws.ts'
import { withoutSsi } from './mutants.ts'
import { openSessions } from './sessions.ts'
import { stepsOf, type Spec } from './spec.ts'
import { everySpec } from './specs/every.ts'
import { runSpec, type Cast } from './suite.ts'

t.setTimeout(900_000)

const cast: Cast = {
  name: 'without SSI',
  play: flights({ path: withoutSsi.path, held: false }),
  prepared: 'unread',
  locks: false,
}

/** Of one spec, each kind: enough, where every order is alike. */
const asked_max = 20

/** Three actors take many orders: these for the longer circles. */
const long: ReadonlySet<string> = new Set([
  'multiple-row-versions',
  'prepared-transactions',
  'receipt-report, by a decision',
])

/** Who only reads leaves nothing in the log: what he has seen wrongly cannot be found in it. */
const isInTheLog = (spec: Spec): boolean => spec.actors.every((actor) => stepsOf(actor) === 3)
const isAsked = (spec: Spec): boolean =>
  isInTheLog(spec) && (spec.actors.length < 3 || long.has(spec.name))

onServers(t, 'without SSI every anomaly is refused its certificate', async (t, ground) => {
  await withoutSsi.database(ground.sql)
  const sessions = await openSessions(t, ground.url)
  const anomalous = new Set<string>()
  let asked = 0
  for (const spec of everySpec.filter(isAsked)) {
    const { runs } = await runSpec(sessions, spec, cast)
    const wrong = runs.filter((run) => run.anomaly !== null).map((run) => run.scope)
    for (const scope of wrong) anomalous.add(scope)
    const right = runs.filter((run) => run.anomaly === null).map((run) => run.scope)
    const some = [...wrong.slice(0, asked_max), ...right.slice(0, asked_max)]
    const refused = await refusedIn(ground.sql, some)
    asked += some.length
    t.strictSame(
      some.filter((scope) => refused.includes(scope)),
      some.filter((scope) => wrong.includes(scope)),
      `${spec.name}: what is wrong is refused, and nothing else`,
    )
    t.comment(
      `${spec.name} on ${ground.server}: ${wrong.length} anomalies, of ${some.length} asked ${refused.length} refused`,
    )
  }
  // Beyond what was asked for one by one, the log as a whole: once by the suite's own eyes, once by src/audit.
  const { circle } = await historyIsSerializable(ground.sql)
  const circles = new Set(circle.map((one) => one.scope))
  t.ok(anomalous.size > 0, 'there were anomalies')
  t.strictSame(
    [...anomalous].filter((scope) => !circles.has(scope)),
    [],
    'and the history shows a circle in each',
  )
  const { checks } = await audit(auditStore(ground.sql))
  const unserializable = checks.find((check) => check.law === 'decisions_are_serializable')
  t.equal(unserializable?.violated, circles.size, 'as the audit does')
  t.comment(`${anomalous.size} anomalies, ${asked} asked for, ${circles.size} with a circle`)
})
