/**
 * The law: a decision that went stale is decided again once, whoever dies when, and not for ever.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, ledgerOf, testWorker, type CloudWorld } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { follow } from '../support/follow.ts'

const scope = 'acme'
const program = path.join(import.meta.dirname, '../support/worker-process.ts')

const startWorkerProcess = (t: Test, { url, cloud }: CloudWorld, trap: string): ChildProcess => {
  const child = spawn(process.execPath, [program, url, cloud.url, '{}', trap], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  return child
}

const base = defineDecider({
  name: 'base',
  version: 1,
  read: () => ({}),
  decide: () => create('vm', 'base', { size: 'l' }),
})

/** There is room for one small machine. */
const limitCores = (world: CloudWorld): Promise<unknown> =>
  fetch(`${world.cloud.url}/v1/quotas`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-account': scope },
    body: JSON.stringify({ cores: 1 }),
  })

const decisionsOf = (world: CloudWorld, decider: string) =>
  world.engine.sql<{ decided_again: string | null; instead_of: string | null }[]>`
    select decided_again, instead_of
    from foreword.decision
    where decider = ${decider}
    order by decided_at`

for (const trap of ['before_decide_again', 'after_decide_again']) {
  t.test(`a worker that is killed ${trap.replaceAll('_', ' ')} leaves it to another`, async (t) => {
    const world = await cloudWorld(t)
    await limitCores(world)
    await world.engine.decide(base, { scope, input: undefined })
    await world.engine.decide(follow, { scope, input: undefined })
    const worker = startWorkerProcess(t, world, trap)
    await eventually('it came by the place where it dies', () => worker.signalCode === 'SIGKILL')
    const decided = trap.startsWith('after')
    t.match(await decisionsOf(world, 'follow'), [
      { decided_again: decided ? 'decided' : 'due' },
      ...(decided ? [{ decided_again: null }] : []),
    ])
    startWorkerProcess(t, world, 'none')
    await eventually('decided again', async () => {
      const rows = await world.engine.sql`select from foreword.intent where state = 'confirmed'`
      return rows.length === 1
    })
    const [first, second, ...rest] = await decisionsOf(world, 'follow')
    t.match(first, { decided_again: 'decided', instead_of: null })
    t.match(second, { decided_again: null, instead_of: String })
    t.same(rest, [], 'once')
    t.same(
      (await allSettled(world.engine)).map(({ name, state }) => `${name} ${state}`),
      ['base rejected', 'follower-0 stale', 'follower-0 confirmed'],
    )
    t.match(await ledgerOf(world.cloud), { effects: 1 })
  })
}

t.test('what goes stale each time is decided again some times, later and later', async (t) => {
  const world = await cloudWorld(t, { config: { deciders: [follow] } })
  await world.engine.decide(follow, { scope, input: undefined })
  await testWorker(t, world.engine)
  const waits: number[] = []
  await eventually(
    'given up',
    async () => {
      // The newest decision goes stale, and time is made to pass.
      const hurried = await world.engine.sql.begin(async (tx) => {
        await tx`
          select foreword_code.note_stale(array[d.id], 'test')
          from foreword.decision d
          where d.decided_again is null`
        return tx<{ wait: number }[]>`
          update foreword_private.again a
          set due_at = clock_timestamp()
          from (
            select b.decision, b.due_at
            from foreword_private.again b
            where b.ended_at is null and b.tries = 0 and b.due_at > clock_timestamp()
          ) old
          where a.decision = old.decision
          returning extract(epoch from old.due_at - a.since)::double precision as wait`
      })
      waits.push(...hurried.map((row) => Math.round(row.wait)))
      const states = (await decisionsOf(world, 'follow')).map((d) => d.decided_again)
      return states.at(-1) === 'gave_up'
    },
    { deadline_ms: 30_000 },
  )
  t.same(waits, [1, 2, 4, 8])
  const states = (await decisionsOf(world, 'follow')).map((d) => d.decided_again)
  t.same(states, [...Array.from({ length: 5 }, () => 'decided'), 'gave_up'])
})

t.test('what nobody here can decide again stays due', async (t) => {
  const world = await cloudWorld(t, { config: { deciders: [] } })
  const unknown = defineDecider({
    name: 'follow',
    version: 1,
    read: (q) => ({ base: q.get('vm', 'base') }),
    decide: () => create('vm', 'b', { size: 's' }),
  })
  await limitCores(world)
  await world.engine.decide(base, { scope, input: undefined })
  await world.engine.decide(unknown, { scope, input: undefined })
  await testWorker(t, world.engine)
  await allSettled(world.engine)
  t.match(await decisionsOf(world, 'follow'), [{ decided_again: 'due' }], 'nobody here knows how')
})
