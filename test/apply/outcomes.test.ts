/** What an outcome that nobody knows may lead to, where the provider alone can tell. */
import t from 'tap'
import { create } from '../../src/domain/decider.ts'
import {
  applied,
  rejected,
  type AnyProvider,
  type Call,
  type Sighting,
} from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { cloudWorld, engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { quick, testConfig } from '../support/settings.ts'

const scope = 'acme'

interface Row {
  readonly state: string
  readonly reason: string | null
  readonly attempts: number
}

const parked = (engine: Engine): Promise<Row> =>
  eventually('it is parked', async () => {
    const [row] = await engine.sql<Row[]>`
      select state, reason, attempts from foreword.intent where state = 'in_doubt' and due_at is null`
    return row
  })

const settled = (engine: Engine): Promise<Row> =>
  eventually('it is settled', async () => {
    const [row] = await engine.sql<Row[]>`
      select state, reason, attempts from foreword.intent where settled_at is not null`
    return row
  })

t.test(
  'a token is sent again only while its validity lasts, by the clock of Postgres',
  async (t) => {
    const keys: string[] = []
    const world = await testEngine(t)
    const { sql } = world.engine
    // The first call is lost, and it is an hour later when somebody gets round to the second.
    const provider = scriptedProvider({
      traits: { idempotency: 'token', token_valid_ms: 60_000 },
      call: async (call) => {
        keys.push(call.idempotency_key)
        if (keys.length > 1) return applied(call.spec as never)
        await sql`update foreword_private.attempt set started_at = started_at - interval '1 hour'`
        throw new Error('reset')
      },
    })
    const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
    const { reason } = await parked(engine)
    t.equal(keys.length, 1, 'it was not called again')
    t.match(reason, /not called again: its idempotency token is no longer valid/)
    t.match(await sql`select outcome, error_class from foreword.attempt order by number`, [
      { outcome: 'in_doubt', error_class: 'unknown' },
      { outcome: 'rejected', error_class: 'not_sent' },
    ])
    // A person may take the risk that the API has forgotten: that is his to know.
    await sql`
    select foreword.resolve(d.intent_id, 'retry', 'ada', 'twice does no harm')
    from foreword.doubt d`
    t.match(await settled(engine), { state: 'confirmed', attempts: 3 })
    t.equal(keys.length, 2)
    t.equal(keys[0], keys[1], 'under the same key')
  },
)

t.test('a call that was refused each time is made again whatever its token', async (t) => {
  const world = await testEngine(t)
  const { sql } = world.engine
  let calls = 0
  const provider = scriptedProvider({
    traits: { idempotency: 'token', token_valid_ms: 60_000 },
    call: async (call) => {
      calls += 1
      if (calls > 1) return { type: 'applied', state: call.spec as never }
      await sql`update foreword_private.attempt set started_at = started_at - interval '1 hour'`
      return rejected('busy', { retry_after_ms: 1 })
    },
  })
  const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  t.match(await settled(engine), { state: 'confirmed', attempts: 2 })
})

/** Its first create has its effect and loses its answer; somebody removes the effect at once. */
const removedBehind = (vm: AnyProvider, cloud: string): AnyProvider => {
  const removeAll = async (): Promise<void> => {
    const headers = { 'x-account': scope }
    const answer = await fetch(`${cloud}/v1/vms`, { headers })
    const { items } = (await answer.json()) as { readonly items: readonly { id: string }[] }
    for (const { id } of items) {
      await fetch(`${cloud}/v1/vms/${id}`, { method: 'DELETE', headers })
    }
  }
  return {
    ...vm,
    create: async (call: Call) => {
      try {
        return await vm.create(call)
      } catch (error) {
        await removeAll()
        throw error
      }
    },
  }
}

t.test(
  'a token that answers "was done, and is gone" counts as done; drift tells the rest',
  async (t) => {
    const lost = { method: 'POST', fault: 'lose_response', p: 1, n: 1 } as const
    const world = await cloudWorld(t, { faults: { tokens: true, match: [lost] } as never })
    const { cloud, url } = world
    const [, vm] = simulatedCloud({ url: cloud.url, tokens: true, traits: quick })
    if (vm === undefined) throw new Error('no provider of vm')
    const providers = [removedBehind(vm, cloud.url)]
    const engine = engineOn(t, url, testConfig(url, { providers }))
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: { drafts: [create('vm', 'a', { size: 's' })] } })
    t.match(await settled(engine), { state: 'confirmed', reason: /is gone since/, attempts: 2 })
    t.match(await engine.sql`select assumed, observed, external_id from foreword.resource`, [
      { assumed: { size: 's' }, observed: null, external_id: null },
    ])
    const ledger = (await (await fetch(`${cloud.url}/admin/ledger`)).json()) as { verb: string }[]
    t.same(
      ledger.map(({ verb }) => verb),
      ['create', 'delete'],
      'it was not made a second time on the old decision',
    )
    await eventually('reconciling finds that it is gone', async () => {
      const { drifted } = await engine.reconcile({ scope })
      return drifted.includes('vm/a')
    })
  },
)

t.test('a repeat that is refused leaves the lost first call in doubt', async (t) => {
  const world = await testEngine(t)
  let calls = 0
  const provider = scriptedProvider({
    traits: { idempotency: 'natural' },
    call: () => {
      calls += 1
      if (calls === 1) throw new Error('reset')
      return Promise.resolve(rejected('forbidden by now'))
    },
  })
  const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  t.match(await parked(engine), {
    reason: /forbidden by now; but an earlier call may/,
    attempts: 2,
  })
  t.match(await engine.sql`select assumed from foreword.resource`, [{ assumed: {} }])
})

t.test('before a person is asked, somebody looks what is there', async (t) => {
  const world = await testEngine(t)
  const provider = scriptedProvider({
    traits: { idempotency: 'none', settle_ms: 20 },
    call: () => Promise.reject(new Error('reset')),
    read: () => Promise.resolve({ state: { found: true }, external_id: 'id-7' }),
  })
  const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  await parked(engine)
  t.match(await engine.sql`select lookup, answered, waits_for_a_person from foreword.doubt`, [
    {
      lookup: { observed: { found: true }, observed_at: String },
      answered: 'reset',
      waits_for_a_person: true,
    },
  ])
})

t.test('where that look fails too, the person is asked all the same', async (t) => {
  const world = await testEngine(t)
  const provider = scriptedProvider({
    traits: { idempotency: 'none', settle_ms: 20 },
    call: () => Promise.reject(new Error('reset')),
    read: () => Promise.reject(new Error('503')),
  })
  const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', {})] } })
  t.match(await parked(engine), { reason: 'reset', attempts: 1 })
})

const there = { state: { is: 'other' }, external_id: 'id-1' }
const proofs: Readonly<Record<string, readonly [Partial<AnyProvider>, Sighting, number]>> = {
  'half built': [{}, { ...there, condition: 'pending' }, 1],
  broken: [{}, { ...there, condition: 'failed' }, 1],
  'half built, and as it was decided': [
    {},
    { ...there, state: { is: 'it' }, condition: 'pending' },
    1,
  ],
  'another one, and names may be there twice': [{ names: 'free' }, there, 1],
  'another one, and its API lets no name be there twice': [{}, there, 2],
}
for (const [what, [over, sighting, calls_due]] of Object.entries(proofs)) {
  t.test(`what a look-up shows of a lost creation is ${what}: ${calls_due} calls`, async (t) => {
    const world = await testEngine(t)
    let calls = 0
    let looks = 0
    const provider: AnyProvider = {
      ...scriptedProvider({
        traits: { idempotency: 'lookup', sightings: 1, call_timeout_ms: 50 },
        call: () => {
          calls += 1
          return calls === 1
            ? Promise.reject(new Error('reset'))
            : Promise.resolve(rejected('its name is taken'))
        },
        read: () => {
          looks += 1
          return Promise.resolve(sighting)
        },
      }),
      ...over,
    }
    const engine = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', { is: 'it' })] } })
    // Found, it is looked at until it shows, or is asked about; by its absence it would have been made again by then.
    await eventually('looked at, or made again', async () => {
      const asked = await engine.sql`select from foreword.doubt where waits_for_a_person`
      return looks >= 8 || calls === 2 || asked.length > 0
    })
    t.equal(calls, calls_due)
    if (calls_due === 1)
      t.match(await engine.sql`select external_id from foreword.resource`, [
        { external_id: 'id-1' },
      ])
  })
}

t.test('a person is asked at once about what is made and broken, and told so', async (t) => {
  const state = { size: 's' }
  const broken: Sighting = { state, external_id: 'vm-1', condition: 'failed' }
  const provider = scriptedProvider({
    // Until nothing shows it is waited for a minute at least.
    traits: { idempotency: 'lookup', sightings: 2, settle_ms: 20 },
    call: () => Promise.resolve(applied(state, { external_id: 'vm-1' })),
    read: () => Promise.resolve(broken),
  })
  const { engine } = await testEngine(t, { providers: [provider] })
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'web', state)] } })
  t.match(await parked(engine), {
    attempts: 1,
    reason: 'it is there, and broken: its API shows it as failed',
  })
  const [doubt] = await engine.sql`select lookup, waits_for_a_person from foreword.doubt`
  t.match(doubt, { waits_for_a_person: true, lookup: { observed: state, external_id: 'vm-1' } })
})
