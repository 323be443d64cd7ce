/**
 * Workers that are stopped (SIGSTOP) at the worst moment, and woken again later: others go on meanwhile, and
 * whoever wakes does nothing twice. Effects are counted by the cloud's own ledger.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, ledgerOf, testWorker, type CloudWorld } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

t.setTimeout(240_000)

const scope = 'acme'
const program = path.join(import.meta.dirname, '../support/worker-process.ts')

const start = defineDecider({
  name: 'start',
  version: 1,
  read: (q, input: { readonly name: string }) => ({ vm: q.get('vm', input.name) }),
  decide: (_facts, { name }) => create('vm', name, { size: 'l' }),
})

const startWorkerProcess = async (t: Test, { url, cloud }: CloudWorld): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [program, url, cloud.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  return child
}

/** Woken, it comes to an end like any other. */
const wakeAndEnd = async (t: Test, worker: ChildProcess): Promise<void> => {
  worker.kill('SIGCONT')
  worker.kill('SIGTERM')
  const [code] = (await once(worker, 'exit')) as [number | null]
  t.equal(code, 0)
}

t.test(
  'whoever wakes after the deadline of a call that it has claimed does not make it',
  async (t) => {
    const world = await cloudWorld(t)
    const { engine, cloud } = world
    const holder = await engine.sql.reserve()
    t.teardown(() => {
      holder.release()
    })
    const worker = await startWorkerProcess(t, world)
    await holder`select pg_advisory_lock(20143)`
    await engine.decide(start, { scope, input: { name: 'a' } })
    await eventually('its claim waits', async () => {
      const waiting = await engine.sql`
      select
      from pg_stat_activity
      where
        datname = current_database()
        and application_name = 'foreword:apply'
        and wait_event = 'advisory'`
      return waiting.length > 0
    })
    worker.kill('SIGSTOP')
    await holder`select pg_advisory_unlock(20143)`
    await eventually('a is leased to it', async () => {
      const leased = await engine.sql`select from foreword.intent where state = 'applying'`
      return leased.length > 0
    })
    await testWorker(t, engine)
    t.match(await allSettled(engine, 60_000), [{ name: 'a', state: 'confirmed' }])
    await wakeAndEnd(t, worker)
    t.match(await ledgerOf(cloud), { effects: 1, distinct_intents: 1, max: 1 })
  },
)
