import t from 'tap'
import { update } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import { seedThings, thing, worldOf, worldProvider } from '../support/watched-world.ts'

const scope = 'acme'

/** As if so much time had passed since everything was looked at last. */
const later = (engine: Engine, ms: number): Promise<unknown> =>
  engine.sql`
    update foreword_private.observation
    set
      observed_at = observed_at - ${ms} * interval '1 ms',
      look_at = look_at - ${ms} * interval '1 ms'`

t.test(
  'a schedule leaves alone what is steady, twice as long each time, and comes back after a change',
  async (t) => {
    const world = worldOf(2)
    const provider = worldProvider({
      world,
      traits: { settle_ms: 0, look_interval: { min_ms: 60_000, max_ms: 200_000 } },
    })
    const { engine } = await testEngine(t, { providers: [provider] })
    await seedThings(engine.sql, 2)
    await testWorker(t, engine)
    const scheduled = async (): Promise<number> =>
      (await engine.reconcile({ scope, due_only: true })).looked
    const intervals = async (): Promise<unknown> =>
      (
        await engine.sql`select interval_ms from foreword_private.observation order by resource`
      ).map((row) => row['interval_ms'] as unknown)

    t.equal(await scheduled(), 2, 'what was never looked at is due')
    t.same(await intervals(), [60_000, 60_000])
    t.equal(await scheduled(), 0)
    t.equal((await engine.reconcile({ scope })).looked, 2, 'a run by hand looks at everything')
    t.same(await intervals(), [120_000, 120_000])
    await later(engine, 70_000)
    t.equal(await scheduled(), 0)
    await later(engine, 40_000)
    t.equal(await scheduled(), 2, 'a tenth early: a schedule that comes as often must not miss it')
    t.same(await intervals(), [200_000, 200_000], 'and no more than the upper bound')

    await engine.decide(say, { scope, input: { drafts: [update('thing', thing(0), { n: 2 })] } })
    await allSettled(engine)
    t.equal(await scheduled(), 1, 'what was written to is due')
    t.equal((await engine.reconcile({ scope })).looked, 2)
    await later(engine, 200_000)
    world.set(thing(1), { n: 7 })
    t.match(await engine.reconcile({ scope, due_only: true }), {
      looked: 2,
      drifted: [`thing/${thing(1)}`],
    })
    await allSettled(engine)
    t.equal(await scheduled(), 1, 'what had drifted and was put back is due')
    t.equal(await scheduled(), 0)
  },
)

t.test('a kind without an interval is looked at by every run', async (t) => {
  const provider = worldProvider({ world: worldOf(2) })
  const { engine } = await testEngine(t, { providers: [provider] })
  await seedThings(engine.sql, 2)
  for (const _ of [1, 2]) t.match(await engine.reconcile({ scope, due_only: true }), { looked: 2 })
})
