import t from 'tap'
import { defineDecider, create } from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const addOne = defineDecider({
  name: 'add-one',
  version: 1,
  read: (q) => ({ vm: q.get('vm', 'cron-1') }),
  decide: ({ vm }, input: { readonly size: string }) =>
    vm === null ? create('vm', 'cron-1', { size: input.size }) : [],
})

t.test(
  'a schedule reconciles its scope or runs its decider, and says what came of it',
  async (t) => {
    const { engine } = await cloudWorld(t, {
      config: {
        deciders: [addOne],
        schedules: [
          { name: 'decide', cron: '0 0 1 1 *', scope, decider: 'add-one', input: { size: 's' } },
          { name: 'look', cron: '0 0 1 1 *', scope },
        ],
      },
    })
    await testWorker(t, engine)
    const run = async (name: string): Promise<unknown> => {
      await engine.sql`
      select graphile_worker.add_job('foreword_schedule', ${engine.sql.json({ name })}::json)`
      return eventually(`${name} has run`, async () => {
        const [row] = await engine.sql<{ last_outcome: string | null }[]>`
        select last_outcome from foreword.schedule where name = ${name} and last_ended_at is not null`
        return row?.last_outcome
      })
    }
    t.equal(await run('decide'), 'decided')
    t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
    t.match(await run('look'), /looked at \d, 0 drifted, 0 intents/)
  },
)

t.test('a schedule may have policies of its own, after those of the configuration', async (t) => {
  const { engine, cloud } = await cloudWorld(t, {
    traits: { settle_ms: 0 },
    config: {
      schedules: [
        {
          name: 'watch',
          cron: '0 0 1 1 *',
          scope,
          policies: [{ scope: '*', kind: '*', on_drift: 'report' }],
        },
        { name: 'mend', cron: '0 0 1 1 *', scope },
      ],
    },
  })
  await testWorker(t, engine)
  await engine.decide(addOne, { scope, input: { size: 's' } })
  await allSettled(engine)
  await fetch(`${cloud.url}/admin/drift`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: scope, kind: 'vms', name: 'cron-1', set: { size: 'l' } }),
  })
  const run = async (name: string): Promise<unknown> => {
    await engine.sql`
      select graphile_worker.add_job('foreword_schedule', ${engine.sql.json({ name })}::json)`
    return eventually(`${name} has run`, async () => {
      const [row] = await engine.sql<{ last_outcome: string | null }[]>`
        select last_outcome from foreword.schedule where name = ${name} and last_ended_at is not null`
      return row?.last_outcome
    })
  }
  t.equal(await run('watch'), 'looked at 1, 1 drifted, 0 intents')
  t.match(await engine.sql`select path from foreword.drift`, [{ path: 'size' }])
  t.equal(await run('mend'), 'looked at 1, 1 drifted, 1 intents')
})

t.test(
  'a schedule leaves with the first worker that starts without it, unless somebody living has it',
  async (t) => {
    const night = { name: 'night', cron: '0 0 1 1 *', scope }
    const { engine, url } = await testEngine(t, { schedules: [night] }, { migrated: true })
    const names = async (): Promise<readonly string[]> => {
      const rows = await engine.sql<
        { name: string }[]
      >`select name from foreword.schedule order by 1`
      return rows.map(({ name }) => name)
    }
    const day = { name: 'day', cron: '0 12 1 1 *', scope }
    const without = engineOn(t, url, testConfig(url, { schedules: [day] }))

    const fatal = (reason: string): void => void t.fail(reason)
    const first = await engine.startWorker(fatal)
    await engine.sql`update foreword_private.schedule set last_outcome = 'well'`
    const beside = await without.startWorker(fatal)
    t.same(await names(), ['day', 'night'], 'the one who has it lives')
    await beside.stop()
    await first.stop()
    t.same(await names(), ['day', 'night'], 'who stops has not dropped it: he may be started again')

    const helper = await without.startWorker(fatal, [])
    t.same(await names(), ['day', 'night'], 'who only helps out drops nothing')
    await helper.stop()
    const second = await without.startWorker(fatal)
    t.same(await names(), ['day'])
    await second.stop()

    const third = await engine.startWorker(fatal)
    t.match(
      await engine.sql`select name, last_outcome from foreword.schedule`,
      [{ name: 'night', last_outcome: 'well' }],
      'back as it was; and now the other one is dropped',
    )
    await third.stop()
  },
)

t.test('a schedule that one worker knows runs there, whoever else is there', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `tick-${i}`)
  const schedules = names.map((name) => ({
    name,
    cron: '* * * * *',
    scope,
    backfill_minutes: 5,
  }))
  const { engine, url } = await testEngine(t, { schedules })
  const stranger = engineOn(t, url, testConfig(url))
  await testWorker(t, stranger)
  // Missed: due as soon as who knows them starts.
  await engine.sql`
    insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
    select 'foreword:' || n, now() - interval '3 min', now() - interval '2 min'
    from unnest(${names}::text[]) n`
  await testWorker(t, engine)
  await eventually('all have run', async () => {
    const rows = await engine.sql`
      select name from foreword.schedule where last_ended_at is not null`
    return rows.length === names.length
  })
})
