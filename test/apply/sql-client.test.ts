/** What was decided in SQL is carried out like everything else. Nobody wakes a worker for it. */
import t from 'tap'
import { startCloud } from '../../src/cloud/index.ts'
import type { Engine } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import type { Reserved } from '../../src/store/connect.ts'
import {
  allSettled,
  cloudWorld,
  engineOn,
  ledgerOf,
  testEngine,
  testWorker,
} from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { quick, testConfig } from '../support/settings.ts'
import { inTransaction, sqlClient } from '../support/sql-client.ts'

const scope = 'acme/prod'

/** Decides one intent for each of them, in one decision. */
const decideIn = (
  tx: Reserved,
  intents: readonly {
    readonly kind?: string
    readonly name: string
    readonly verb: string
    readonly state?: object
    readonly options?: object
  }[],
): Promise<void> =>
  inTransaction(tx, async () => {
    for (const { kind = 'vm', name, verb, state, options = {} } of intents) {
      await tx`
        select foreword.intend(
          ${scope},
          ${kind},
          ${name},
          ${verb},
          ${state === undefined ? null : JSON.stringify(state)}::text::jsonb,
          ${JSON.stringify(options)}::text::jsonb
        )`
    }
    await tx`select foreword.decide('in-sql')`
  })

/** The number of the last job that was ever added to the queue. */
const lastJob = ({ sql }: Engine): Promise<unknown> =>
  sql`select pg_sequence_last_value(pg_get_serial_sequence('graphile_worker._private_jobs', 'id')) as id`

t.test('a running worker finds what was decided in SQL, without a wake-up', async (t) => {
  const { engine, url, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const before = await lastJob(engine)
  const tx = await sqlClient(t, url)
  await decideIn(tx, [
    {
      name: 'web-1',
      verb: 'create',
      state: { size: 'm' },
      options: { labels: { role: 'web' }, counters: { cores: 4 }, needs: ['network/net'] },
    },
    { kind: 'network', name: 'net', verb: 'create', state: { cidr: '10.0.0.0/24' } },
  ])
  t.match(await allSettled(engine), [{ state: 'confirmed' }, { state: 'confirmed' }])
  t.same(
    await engine.sql`
      select i.name
      from foreword.attempt a
      join foreword.intent i on i.id = a.intent_id
      order by a.started_at`,
    [{ name: 'net' }, { name: 'web-1' }],
    'what another one needs came first',
  )
  await decideIn(tx, [{ name: 'web-1', verb: 'update', state: { size: 'l' } }])
  await decideIn(tx, [{ name: 'web-1', verb: 'delete' }])
  const ends = await allSettled(engine)
  t.equal(ends.filter((intent) => intent.state === 'confirmed').length, 4)
  t.match(await ledgerOf(cloud), { effects: 4, max: 1 })
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 0 }])
  t.same(await lastJob(engine), before, 'the queue had no new job')
})

t.test('what only a provider can tell is wrong is rejected when its turn comes', async (t) => {
  const { engine, url, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const tx = await sqlClient(t, url)
  await decideIn(tx, [{ name: 'nonsense', verb: 'create', state: { size: 'huge' } }])
  await decideIn(tx, [{ name: 'sound', verb: 'create', state: { size: 'm' } }])
  await allSettled(engine)
  await decideIn(tx, [{ name: 'sound', verb: 'fly', state: { size: 'm' } }])
  t.match(await allSettled(engine), [
    { name: 'nonsense', state: 'rejected', reason: /size/ },
    { name: 'sound', state: 'confirmed' },
    { name: 'sound', verb: 'fly', state: 'rejected', reason: 'the provider has no verb fly' },
  ])
  t.match(await ledgerOf(cloud), { effects: 1 })
  t.same(
    await engine.sql`select name, assumed from foreword.resource where version > 0 order by name`,
    [
      { name: 'nonsense', assumed: null },
      { name: 'sound', assumed: { size: 'm' } },
    ],
    'and is assumed no longer',
  )
})

t.test('an intent of a kind that no worker knows waits for one that does', async (t) => {
  const cloud = await startCloud({ seed: 1 })
  t.teardown(() => cloud.close())
  const providers = simulatedCloud({ url: cloud.url, traits: quick })
  const known = providers.filter(({ kind }) => kind === 'vm')
  const { engine, url } = await testEngine(t, { providers: known })
  await testWorker(t, engine)
  const tx = await sqlClient(t, url)
  await decideIn(tx, [
    { kind: 'network', name: 'net', verb: 'create', state: { cidr: '10.0.0.0/24' } },
    { name: 'web-1', verb: 'create', state: { size: 'm' } },
  ])
  await eventually('the other one is carried out', async () => {
    const done = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return done.length === 1
  })
  t.match(await engine.sql`select state, attempts, reason from foreword.intent where id = 1`, [
    { state: 'pending', attempts: 0, reason: 'no worker that lives provides kind network' },
  ])
  t.match(await engine.sql`select kind, state, count from foreword.backlog`, [
    { kind: 'network', state: 'pending', count: 1 },
  ])
  await testWorker(t, engineOn(t, url, testConfig(url, { providers })))
  t.match(await allSettled(engine), [{ state: 'confirmed' }, { state: 'confirmed' }])
})
