/**
 * The law: whoever dies when, every committed intent is carried out exactly once. Counted by the
 * cloud's own ledger, which knows nothing of foreword's tables.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t from 'tap'
import type { Traits } from '../../src/domain/provider.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, ledgerOf, type CloudWorld } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'
const program = path.join(import.meta.dirname, '../support/worker-process.ts')

const startWorkerProcess = async (
  t: { teardown(handler: () => void): void },
  { url, cloud }: CloudWorld,
  traits: Partial<Traits>,
): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [program, url, cloud.url, JSON.stringify(traits)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  return child
}

const many = defineDecider({
  name: 'many',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly from: number; readonly count: number }) =>
    Array.from({ length: input.count }, (_, i) =>
      create('vm', `vm-${input.from + i}`, { size: 's' }),
    ),
})

const inState = async (world: CloudWorld, state: string): Promise<number> => {
  const rows = await world.engine.sql`select from foreword.intent where state = ${state}`
  return rows.length
}

t.test(
  'a worker killed with 200 intents in flight: another settles them, none twice, none lost',
  async (t) => {
    const traits = { concurrency: 100, call_timeout_ms: 1_500, settle_ms: 200 }
    const world = await cloudWorld(t, { faults: { delay_ms: [50, 300] }, traits })
    const first = await startWorkerProcess(t, world, traits)
    await world.engine.decide(many, { scope, input: { from: 0, count: 200 } })
    await eventually('calls in flight', async () => (await inState(world, 'applying')) >= 50)
    first.kill('SIGKILL')
    await once(first, 'exit')
    const left = await inState(world, 'applying')
    t.ok(left > 0, `${left} calls were open when it died`)
    await startWorkerProcess(t, world, traits)
    const intents = await allSettled(world.engine, 60_000)
    t.equal(intents.length, 200)
    t.ok(intents.every((i) => i.state === 'confirmed'))
    t.match(await ledgerOf(world.cloud), { effects: 200, distinct_intents: 200, max: 1 })
    const lost = await world.engine.sql`
    select from foreword.attempt where error_class = 'worker_lost'`
    t.ok(lost.length > 0, 'its open attempts were taken for unknown')
    const dead = await world.engine.sql`
    select from foreword.worker where not alive and stopped_at is null`
    t.equal(dead.length, 1)
  },
)

t.test(
  'a worker that is asked to stop ends its calls first, and leaves nothing behind',
  async (t) => {
    const traits = { concurrency: 20, call_timeout_ms: 2_000, settle_ms: 50 }
    const world = await cloudWorld(t, { faults: { delay_ms: [100, 200] }, traits })
    const worker = await startWorkerProcess(t, world, traits)
    await world.engine.decide(many, { scope, input: { from: 0, count: 40 } })
    await eventually('calls in flight', async () => (await inState(world, 'applying')) >= 10)
    worker.kill('SIGTERM')
    const [code] = (await once(worker, 'exit')) as [number | null]
    t.equal(code, 0)
    t.equal(await inState(world, 'applying'), 0)
    const doubts = await world.engine.sql`select from foreword.attempt where outcome = 'in_doubt'`
    t.same(doubts, [])
  },
)
