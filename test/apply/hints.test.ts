import t from 'tap'
import { connectSql } from '../../src/store/connect.ts'
import { hearWakeups } from '../../src/store/wakeup.ts'
import { cloudWorld, testWorker, allSettled } from '../support/engine.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'

const one = defineDecider({
  name: 'one',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('vm', name, { size: 's' }),
})

t.test('whoever listens hears of a decision of any process', async (t) => {
  const { engine, url } = await cloudWorld(t)
  const sql = connectSql({ url, application_name: 'test', max: 1 })
  t.teardown(() => sql.end({ timeout: 5 }))
  let heard = 0
  const hearing = await hearWakeups(sql, () => {
    heard += 1
  })
  t.notOk(hearing.lately(), 'nothing yet')
  await engine.decide(one, { scope, input: 'vm-1' })
  await eventually('the hint', () => heard > 0)
  t.ok(hearing.lately())
})

t.test('a worker acts on what it hears: no queue, and no sweep, has to tell it', async (t) => {
  const limits = { ...defaultLimits, sweep_interval_ms: 3_600_000 }
  const { engine } = await cloudWorld(t, { config: { limits } })
  await testWorker(t, engine)
  // A queue without jobs: what is told by it does not arrive.
  await engine.sql`create function forget_job() returns trigger language plpgsql
    as $$ begin return null; end $$`
  await engine.sql`create trigger forget_job before insert on graphile_worker._private_jobs
    for each row execute function forget_job()`
  await engine.decide(one, { scope, input: 'vm-1' })
  t.match(await allSettled(engine), [{ name: 'vm-1', state: 'confirmed' }])
})

t.test('a worker whose session that listens was cut is told by the queue', async (t) => {
  const limits = { ...defaultLimits, sweep_interval_ms: 3_600_000 }
  const { engine } = await cloudWorld(t, { config: { limits } })
  await testWorker(t, engine)
  // Nothing is heard although the session lives: the worst of both.
  await engine.sql`create or replace function foreword_code.wake() returns void language plpgsql
    security definer as $$ begin
      perform graphile_worker.add_job('foreword_wake', job_key => 'foreword_wake', max_attempts => 1);
    end $$`
  await engine.decide(one, { scope, input: 'vm-1' })
  t.match(await allSettled(engine), [{ name: 'vm-1', state: 'confirmed' }])
})
