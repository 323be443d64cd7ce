/** The law: leases, deadlines and look-ups go by the database's clock and by steady ones: a worker's own may jump. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, ledgerOf, type CloudWorld } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const support = path.join(import.meta.dirname, '../support')
const traits = { concurrency: 20, call_timeout_ms: 1_000, settle_ms: 100 }

const many = defineDecider({
  name: 'many',
  version: 1,
  read: () => ({}),
  decide: () => Array.from({ length: 40 }, (_, i) => create('vm', `vm-${i}`, { size: 's' })),
})

const startWorkerProcess = async (t: Test, { url, cloud }: CloudWorld): Promise<ChildProcess> => {
  const program = [
    '--import',
    path.join(support, 'jumping-clock.ts'),
    path.join(support, 'worker-process.ts'),
  ]
  const args = [...program, url, cloud.url, JSON.stringify(traits)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  return child
}

t.test('workers whose clocks jump by hours lose nothing and do nothing twice', async (t) => {
  const faults = {
    delay_ms: [20, 200],
    lose_response: 0.1,
    lose_request: 0.05,
    lag_ms: 50,
  } as never
  const world = await cloudWorld(t, { faults, traits })
  const first = await startWorkerProcess(t, world)
  await world.engine.decide(many, { scope: 'acme', input: undefined })
  await eventually('calls in flight', async () => {
    const rows = await world.engine.sql`select from foreword.intent where state = 'applying'`
    return rows.length >= 10
  })
  first.kill('SIGKILL')
  await startWorkerProcess(t, world)
  const intents = await allSettled(world.engine, 180_000)
  t.ok(intents.every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(world.cloud), { effects: 40, distinct_intents: 40, max: 1 })
  const [row] = await world.engine.sql<{ early: number }[]>`
    select count(*)::integer as early
    from foreword.attempt a
    join foreword.attempt b on b.intent_id = a.intent_id and b.number = a.number + 1
    where b.started_at < a.started_at`
  t.equal(row?.early, 0)
})
