/** Step 3: a worker dies while the cloud is at work for it. */
import { plural, span } from '../../src/cli/print.ts'
import { ForewordError } from '../../src/index.ts'
import { scaleOut, scope } from './scale-out.ts'
import type { Story } from './story.ts'
import { until } from './until.ts'
import { allSettled, type World } from './world.ts'

const in_flight_min = 3
/** Long enough for calls to be caught in flight. */
const call_ms = [1_200, 1_800] as const
/** An attempt is written before its call: so old, the call has reached the cloud. */
const under_way_ms = 400
/** Calls that the cloud takes and forgets: no answer, no effect. */
const forgotten = 2

interface Busy {
  readonly id: number
  readonly pid: number
  readonly in_flight: number
}

const busyWorker = (world: World): Promise<Busy> =>
  until(`a worker has ${in_flight_min} calls in flight`, world.patience(30), async () => {
    const [row] = await world.engine.sql<Busy[]>`
      select w.id, w.pid, count(*) as in_flight
      from foreword.worker w
      join foreword.attempt a on a.worker = w.id
      where
        w.alive
        and a.outcome is null
        and a.started_at < clock_timestamp() - ${under_way_ms} * interval '1 ms'
      group by w.id, w.pid
      having count(*) >= ${in_flight_min}
      order by in_flight desc
      limit 1`
    return row ?? null
  })

/** Kills it, and waits until the other one has all that it left. */
const killBusyWorker = async (world: World, story: Story): Promise<void> => {
  const { id, pid, in_flight } = await busyWorker(world)
  const child = world.workers.find((worker) => worker.pid === pid)
  if (child === undefined) throw new Error(`worker ${id}, pid ${pid}, is none of ours`)
  await world.children.kill(child)
  const killed_at = performance.now()
  story.fact(
    `worker ${id} (pid ${pid}) killed by SIGKILL with ${plural(in_flight, 'call')} in flight`,
  )
  await until('the other worker takes over', world.patience(30), async () => {
    const [left] = await world.engine.sql`
      select from foreword.worker w where w.id = ${id} and w.running > 0`
    return left === undefined ? true : null
  })
  story.fact(`its intents were taken over after ${span(performance.now() - killed_at)}`)
}

interface Doubt {
  readonly error_class: string
  readonly calls: number
  readonly happened: number
}

const reasons: Readonly<Record<string, string>> = {
  worker_lost: 'the worker died',
  unknown: 'the line was cut, or 5xx',
  timeout: 'the time was up',
}

/** The calls whose answer nobody heard, and what a look at the cloud said about them. */
const tellDoubts = async ({ engine }: World, story: Story): Promise<void> => {
  const rows = await engine.sql<Doubt[]>`
    select
      a.error_class,
      count(*) as calls,
      count(*) filter (where a.number = i.attempts) as happened
    from foreword.attempt a
    join foreword.intent i on i.id = a.intent_id
    where a.outcome = 'in_doubt'
    group by a.error_class
    order by calls desc`
  story.table(
    [
      { title: 'no answer, since' },
      { title: 'calls', align: 'right' },
      { title: 'had happened', align: 'right' },
      { title: 'made again', align: 'right' },
    ],
    rows.map(({ error_class, calls, happened }) => [
      reasons[error_class] ?? error_class,
      String(calls),
      String(happened),
      String(calls - happened),
    ]),
  )
}

const creates = { method: 'POST', path_regex: '^/v1/vms$' } as const

export interface Burst {
  readonly vms: number
  readonly cores_max: number
}

export const killMidCall = async (world: World, story: Story, burst: Burst): Promise<void> => {
  const { engine, cloud } = world
  story.step(
    'A worker is killed while its calls are in flight',
    'Before each call its attempt is in the log, with the key it is sent under. So the survivor ' +
      'knows what may have happened, asks the cloud for the key, and repeats only what did not.',
  )
  await cloud.setQuota(scope, burst.cores_max)
  await cloud.setFaults({
    match: [
      { ...creates, fault: 'hang', effect: false, n: forgotten },
      { ...creates, fault: 'delay', ms: [...call_ms] },
      { ...creates, fault: 'lose_response', p: 0.25 },
    ],
  })
  const result = await engine.decide(scaleOut, {
    scope,
    actor: 'launch',
    reason: 'the launch is today',
    input: burst,
  })
  if (result.type !== 'decided') throw new ForewordError(`the launch was ${result.type}`)
  story.fact(`one decision for ${plural(burst.vms, 'more vm')}; the cloud takes its time over them`)
  await killBusyWorker(world, story)
  await cloud.setFaults({ match: [] })
  await allSettled(world, story, 90)
  story.fact('everything is settled: what was in doubt was looked up by its key')
  await tellDoubts(world, story)
}
