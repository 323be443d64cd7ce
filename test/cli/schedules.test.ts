/** Schedules in real worker processes: no run overlaps another, and the dead hold up nobody. */
import t from 'tap'
import { eventually } from '../support/eventually.ts'
import { bench, type Bench } from './harness.ts'

/** A decider whose thinking never ends where the process is told so. */
const config = `
  deciders: [{
    name: 'slow', version: 1,
    read: (q) => ({ it: q.get('vm', 'a') }),
    think: () => process.env.SLOW ? new Promise(() => {}) : Promise.resolve(1),
    decide: () => [],
  }],
  schedules: [
    { name: 'slow', cron: '0 0 1 1 *', scope: 'acme', decider: 'slow' },
    { name: 'look', cron: '*/5 * * * *', scope: 'acme' },
  ],
  limits: { drain_timeout_ms: 0 },`

const runNow = (b: Bench, name: string): Promise<unknown> =>
  b.database.sql`
    select graphile_worker.add_job('foreword_schedule', ${b.database.sql.json({ name })}::json)`

interface Row {
  readonly worker: number | null
  readonly running: boolean
  readonly skipped: number
  readonly last_outcome: string | null
  readonly last_ended_at: Date | null
}

const rowOf = async (b: Bench, name: string): Promise<Row | undefined> => {
  const rows = await b.database.sql<Row[]>`select * from foreword.schedule where name = ${name}`
  return rows[0]
}

t.test(
  'a slow run is overlapped by none, and when its worker dies the next may begin',
  async (t) => {
    const b = await bench(t, { config })
    const slow = b.start(['worker'], { env: { SLOW: '1' } })
    await slow.shows(/Ready/)
    const before = await b.foreword(['schedules'])
    t.match(before.stdout, /look +acme +reconcile all +\d{4}-\d\d-\d\d \d\d:\d[05] +never/)
    t.match(before.stdout, /slow +acme +decide slow +\d{4}-01-01 00:00 +never/)
    await runNow(b, 'slow')
    await eventually('it runs', async () => (await rowOf(b, 'slow'))?.running)
    const first = (await rowOf(b, 'slow'))?.worker
    const other = b.start(['worker'])
    await other.shows(/Ready/)
    await runNow(b, 'slow')
    await eventually('it was left out', async () => (await rowOf(b, 'slow'))?.skipped === 1)
    t.match(await rowOf(b, 'slow'), { running: true, worker: first, last_outcome: null })
    const during = await b.foreword(['schedules'])
    t.match(during.stdout, /slow .* runs for .*1 left out, the one before still ran/)

    slow.child.kill('SIGKILL')
    await slow.ended
    await eventually('it is known to have died', async () => {
      const row = await rowOf(b, 'slow')
      return row?.last_outcome === `worker ${first ?? ''} died in it` && !row.running
    })
    await runNow(b, 'slow')
    await eventually('the next has run', async () => (await rowOf(b, 'slow'))?.last_ended_at)
    t.match(await rowOf(b, 'slow'), { running: false, skipped: 1, last_outcome: 'unchanged' })
    t.not((await rowOf(b, 'slow'))?.worker, first)
    t.match((await b.foreword(['status'])).stdout, /slow +acme +decide slow .* unchanged/)
    const json = JSON.parse((await b.foreword(['schedules', '--json'])).stdout) as unknown
    t.match(json, [
      { name: 'look', last_started_at: null },
      { name: 'slow', last_outcome: 'unchanged', running: false },
    ])
    other.child.kill('SIGTERM')
    t.equal((await other.ended).code, 0)
  },
)

t.test('a worker that stops in the midst of a run leaves it free', async (t) => {
  const b = await bench(t, { config })
  const slow = b.start(['worker'], { env: { SLOW: '1' } })
  await slow.shows(/Ready/)
  await runNow(b, 'slow')
  await eventually('it runs', async () => (await rowOf(b, 'slow'))?.running)
  slow.child.kill('SIGTERM')
  await slow.ended
  t.match(await rowOf(b, 'slow'), { running: false, last_outcome: /^worker \d+ died in it$/ })
  const other = b.start(['worker'])
  await other.shows(/Ready/)
  await runNow(b, 'slow')
  await eventually('the next has run', async () => (await rowOf(b, 'slow'))?.last_ended_at)
  t.match(await rowOf(b, 'slow'), { last_outcome: 'unchanged' })
})

t.test('where there are no schedules it is said', async (t) => {
  const b = await bench(t)
  const ran = await b.foreword(['schedules'])
  t.match(ran.stdout, /No schedules/)
  t.equal(ran.code, 0)
})
