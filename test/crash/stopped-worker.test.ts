/**
 * Workers that are stopped (SIGSTOP) at the worst moment, and woken again later: others go on meanwhile, and
 * whoever wakes does nothing twice. Effects are counted by the cloud's own ledger.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t, { type Test } from 'tap'
import { create, defineDecider, update } from '../../src/domain/decider.ts'
import type { Reserved } from '../../src/store/connect.ts'
import { allSettled, cloudWorld, ledgerOf, type CloudWorld } from '../support/engine.ts'
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

const shrinkA = defineDecider({
  name: 'shrink-a',
  version: 1,
  read: (q) => ({ a: q.get('vm', 'a'), b: q.get('vm', 'b') }),
  decide: () => update('vm', 'a', { size: 's' }),
})

/** A and b shrink, each on the grounds that the other one is large: as if Postgres had forgotten a conflict. */
const shrinkBoth = async ({ engine }: CloudWorld): Promise<void> => {
  for (const name of ['a', 'b']) await engine.decide(start, { scope, input: { name } })
  await engine.decide(shrinkA, { scope, input: undefined })
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`
      select
        foreword_code.note(
          'premises',
          jsonb_build_object('resource', r.id, 'version', 1)::text
        )
      from foreword_private.resource r`
    await tx`select foreword.intend(${scope}, 'vm', 'b', 'update', '{"size": "s"}')`
    await tx`select foreword.decide('shrink-b')`
  })
}

const startWorkerProcess = (t: Test, { url, cloud }: CloudWorld) => {
  const child = spawn(process.execPath, [program, url, cloud.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** Locks what would be taken back, lets a worker judge, and waits until it is stuck with its verdict. */
const stuck = async (
  t: Test,
  world: CloudWorld,
): Promise<{ readonly worker: ChildProcess; readonly holder: Reserved }> => {
  await shrinkBoth(world)
  const holder = await world.engine.sql.reserve()
  t.teardown(async () => {
    await holder`rollback`
    holder.release()
  })
  await holder`begin`
  await holder`select from foreword_private.resource_state for update`
  const worker = startWorkerProcess(t, world)
  await eventually('a worker waits, and nobody may claim', async () => {
    const waiting = await world.engine.sql`
      select
      from pg_stat_activity a
      where
        a.datname = current_database()
        and a.application_name = 'foreword:apply'
        and a.wait_event_type = 'Lock'
        and a.wait_event <> 'advisory'
        and exists (
          select
          from pg_locks l
          where
            l.database = a.datid
            and l.locktype = 'advisory'
            and l.objid = 20143
            and l.mode = 'ExclusiveLock'
            and l.granted
        )`
    return waiting.length > 0
  })
  return { worker, holder }
}

/** Another worker carries out what has nothing to do with it. */
const othersGoOn = async (t: Test, world: CloudWorld): Promise<void> => {
  const { engine } = world
  startWorkerProcess(t, world)
  await engine.decide(start, { scope, input: { name: 'c' } })
  await eventually(
    'another worker carries out c',
    async () =>
      (await engine.sql`select from foreword.intent where name = 'c' and state = 'confirmed'`)
        .length > 0,
    { deadline_ms: 30_000 },
  )
}

/** Woken, it comes to an end like any other. */
const wakeAndEnd = async (t: Test, worker: ChildProcess): Promise<void> => {
  worker.kill('SIGCONT')
  worker.kill('SIGTERM')
  const [code] = (await once(worker, 'exit')) as [number | null]
  t.equal(code, 0)
}

const endsWell = async (t: Test, world: CloudWorld): Promise<void> => {
  const updates = (await allSettled(world.engine, 60_000)).filter((i) => i.verb === 'update')
  t.same(updates.map((i) => i.state).toSorted(), ['confirmed', 'stale'], 'one of the two shrinks')
  t.match(await ledgerOf(world.cloud), { effects: 4, distinct_intents: 4, max: 1 })
}

t.test('a withdrawal that has to wait holds no other worker up', async (t) => {
  const world = await cloudWorld(t)
  const { holder } = await stuck(t, world)
  await othersGoOn(t, world)
  await holder`rollback`
  await endsWell(t, world)
})

t.test('a worker that was stopped while it judged holds no other worker up', async (t) => {
  const world = await cloudWorld(t)
  const { holder, worker } = await stuck(t, world)
  worker.kill('SIGSTOP')
  await holder`rollback`
  await othersGoOn(t, world)
  await endsWell(t, world)
  await wakeAndEnd(t, worker)
  await endsWell(t, world)
})

t.test(
  'whoever wakes after the deadline of a call that it has claimed does not make it',
  async (t) => {
    const world = await cloudWorld(t)
    const { engine, cloud } = world
    const holder = await engine.sql.reserve()
    t.teardown(() => {
      holder.release()
    })
    const worker = startWorkerProcess(t, world)
    await once(worker.stdout, 'data')
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
    startWorkerProcess(t, world)
    t.match(await allSettled(engine, 60_000), [{ name: 'a', state: 'confirmed' }])
    await wakeAndEnd(t, worker)
    t.match(await ledgerOf(cloud), { effects: 1, distinct_intents: 1, max: 1 })
  },
)
