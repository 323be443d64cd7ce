import t from 'tap'
import { connectSql } from '../../src/store/connect.ts'
import { hearWakeups } from '../../src/store/wakeup.ts'
import { cloudWorld, testWorker, allSettled } from '../support/engine.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import { createHints } from '../../src/worker/hints.ts'
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
  await hearWakeups(sql, () => {
    heard += 1
  })
  await engine.decide(one, { scope, input: 'vm-1' })
  await eventually('the hint', () => heard > 0)
})

t.test(
  'who finds that others take everything lets most hints pass, and none once he finds work',
  (t) => {
    let claimed = 0
    let woken = 0
    let clock = 0
    const hints = createHints({
      claimed: () => claimed,
      wake: () => {
        woken += 1
      },
      now: () => clock,
    })
    const hear = (times: number): number => {
      const before = woken
      for (let i = 0; i < times; i++) hints.heard()
      return woken - before
    }
    t.ok(hints.news(), 'nothing was heard: what the queue says is new')
    t.equal(hear(1), 1)
    t.notOk(hints.news(), 'it has acted on this already')
    clock += 2_000
    t.ok(hints.news(), 'but not for ever')
    t.ok(hear(1_600) <= 120, 'in vain: about one of sixteen')
    for (let i = 0; i < 100; i++) {
      claimed += 1
      t.equal(hear(1), 1, 'work was there: acts on each')
    }
    let passed = 0
    while (hear(1) > 0) passed += 1
    t.ok(passed < 3)
    t.ok(hints.news(), 'what it let pass is news when the queue tells it')
    t.end()
  },
)

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
