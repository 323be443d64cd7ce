/**
 * The hole of Postgres that no order of two or three actors shows: beyond 10 × (backends + prepared
 * transactions) commits beside one open decision the server summarises what it knows of conflicts, and
 * forgets some. Then the log has to tell.
 */
import t, { type Test } from 'tap'
import { forgetfulServer } from '../support/forgetful-server.ts'
import { historyIsSerializable, refusedIn } from './history.ts'
import { flightsCast, onServers } from './laws.ts'
import type { Ended } from './oracle.ts'
import type { Player } from './schedule.ts'
import { openSessions, type Session } from './sessions.ts'
import { everySpec } from './specs/every.ts'
import { performOnce } from './suite.ts'

t.setTimeout(900_000)

/** Somebody else, with nothing in common with anyone, in many short transactions. */
const crowd =
  (commits: number) =>
  ({ tx, pid }: Session): Player<Ended> => ({
    pid,
    play: async (stage) => {
      await tx`create table crowd (n integer primary key)`
      await stage.pass(0)
      for (let n = 0; n < commits; n++) {
        await tx`begin isolation level serializable`
        await tx`insert into crowd values (${n})`
        await tx`commit`
      }
      return { type: 'committed', facts: {} }
    },
  })

/** The first reads; the second decides; the crowd passes; the first writes and commits. */
const slowDecision = async (t: Test, url: string, commits: number) => {
  const spec = everySpec.find((s) => s.name === 'simple-write-skew')
  if (spec === undefined) throw new Error('no such spec')
  const sessions = await openSessions(t, url)
  const order = [0, 1, 1, 1, 2, 0, 0]
  const run = await performOnce(sessions, spec, flightsCast, order, crowd(commits))
  const history = await historyIsSerializable(sessions.observer)
  return { run, history, sql: sessions.observer }
}

t.test('what a server forgets of a slow decision is found in the log', async (t) => {
  const { url, remembered } = await (await forgetfulServer(t)).database()
  const { run, history, sql } = await slowDecision(t, url, 2 * remembered)
  if (run.anomaly === null) {
    t.comment('this server remembers: the hole is closed')
    t.strictSame(history.circle, [])
    return
  }
  t.match(run.anomaly, /no serial order/, 'the write skew was committed')
  t.equal(history.circle.length, 2, 'the two are a circle in the log')
  t.equal(
    (await refusedIn(sql, [history.circle[0]?.scope ?? ''])).length,
    1,
    'and one of them gets no certificate',
  )
  t.comment(`summarised: ${history.circle.map((one) => one.decider).join('; ')}`)
})

onServers(t, 'with our settings the same crowd changes nothing', async (t, { url }) => {
  const { run, history } = await slowDecision(t, url, 1_000)
  t.equal(run.anomaly, null)
  t.ok(
    run.ended.some((end) => end.type === 'aborted'),
    'one of the two has lost',
  )
  t.strictSame(history.circle, [])
})
