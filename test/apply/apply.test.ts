import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import type { Cloud } from '../../src/cloud/index.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import {
  create,
  defineDecider,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { allSettled, cloudWorld, ledgerOf, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})

const names = (n: number): readonly string[] => Array.from({ length: n }, (_, i) => `vm-${i}`)

const limitCores = async (cloud: Cloud, cores: number): Promise<void> => {
  await fetch(`${cloud.url}/v1/quotas`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-account': scope },
    body: JSON.stringify({ cores }),
  })
}

t.test('every intent is carried out exactly once and confirmed', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const drafts = names(30).map((name) => create('vm', name, { size: 's' }))
  await engine.decide(say, { scope, input: { drafts } })
  const intents = await allSettled(engine)
  t.ok(intents.every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 30, distinct_intents: 30, max: 1 })
})

t.test(
  'the attempt is committed, with its key and deadline, before the call is made',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, { faults: { hang: 1 } })
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: { drafts: [create('vm', 'a', { size: 's' })] } })
    const attempt = await eventually('an attempt', async () => {
      const rows = await engine.sql`select number, outcome, idempotency_key from foreword.attempt`
      return rows[0]
    })
    t.match(attempt, { number: 1, outcome: null, idempotency_key: /^fw-[0-9a-f]{32}-1$/ })
    await cloud.close()
  },
)

t.test(
  'versions of one resource are applied in their order, each after the one before',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    const act = (draft: IntentDraft) => engine.decide(say, { scope, input: { drafts: [draft] } })
    await act(create('vm', 'a', { size: 's' }))
    await act(update('vm', 'a', { size: 'm' }))
    await act(update('vm', 'a', { size: 'l' }))
    await act(remove('vm', 'a'))
    t.same(
      (await allSettled(engine)).map((i) => `${i.verb} ${i.state}`),
      ['create confirmed', 'update confirmed', 'update confirmed', 'delete confirmed'],
    )
    const answer = await fetch(`${cloud.url}/admin/ledger`)
    const ledger = (await answer.json()) as readonly { verb: string }[]
    t.same(
      ledger.map((entry) => entry.verb),
      ['create', 'update', 'update', 'delete'],
    )
  },
)

t.test('what an intent needs is confirmed first, and its outputs reach the call', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { faults: { build_ms: 200 } })
  await testWorker(t, engine)
  await engine.decide(say, {
    scope,
    input: {
      drafts: [
        create(
          'vm',
          'web',
          { size: 's', address: { ref: 'ip/web#address' } },
          { needs: ['ip/web'] },
        ),
        create('ip', 'web', {}),
      ],
    },
  })
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
  const [ip] = await engine.sql<{ outputs: { address: string } }[]>`
    select outputs from foreword.resource where kind = 'ip'`
  const [vm] = await engine.sql<{ observed: { address: string } }[]>`
    select observed from foreword.resource where kind = 'vm'`
  t.type(ip?.outputs.address, 'string')
  t.equal(vm?.observed.address, ip?.outputs.address)
  t.match(await ledgerOf(cloud), { effects: 2, max: 1 })
})

t.test('a rejected intent takes its version back, and what relied on it goes stale', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await limitCores(cloud, 1)
  const drafts = [
    create('vm', 'big', { size: 'l' }, { counters: { cores: 4 }, labels: { role: 'web' } }),
    create('vm', 'after', { size: 's' }, { needs: ['vm/big'] }),
  ]
  await engine.decide(say, { scope, input: { drafts } })
  await engine.decide(say, { scope, input: { drafts: [update('vm', 'big', { size: 'm' })] } })
  await testWorker(t, engine)
  t.same(
    (await allSettled(engine)).map((i) => `${i.verb} ${i.name} ${i.state}`),
    ['create big rejected', 'create after stale', 'update big stale'],
  )
  t.same(await engine.sql`select name, assumed, condition from foreword.resource order by name`, [
    { name: 'after', assumed: null, condition: 'absent' },
    { name: 'big', assumed: null, condition: 'absent' },
  ])
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 0 }])
  t.same(
    await engine.sql`select from foreword_private.member where scope = ${scope}`,
    [],
    'and nobody finds it',
  )
  t.match(await ledgerOf(cloud), { effects: 0 })
})

t.test('a decision of which an intent was rejected is not decided again', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { config: { deciders: [say] } })
  await limitCores(cloud, 1)
  const drafts = [
    create('vm', 'big', { size: 'l' }),
    create('vm', 'after', { size: 's' }, { needs: ['vm/big'] }),
  ]
  await engine.decide(say, { scope, input: { drafts } })
  const worker = await engine.startWorker((reason) => {
    throw new Error(reason)
  })
  await allSettled(engine)
  // Deciding again belongs to the step that takes back: once the worker has stopped, it is done.
  await worker.stop()
  t.same(
    await engine.sql`select name, state from foreword.intent order by id`,
    [
      { name: 'big', state: 'rejected' },
      { name: 'after', state: 'stale' },
    ],
    'else it would be rejected for ever, as fast as it can be decided',
  )
})

t.test('a confirmed deletion gives back what the resource consumed', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  const act = (draft: IntentDraft) => engine.decide(say, { scope, input: { drafts: [draft] } })
  await act(create('vm', 'a', { size: 's' }, { counters: { cores: 4 } }))
  await act(remove('vm', 'a'))
  await allSettled(engine)
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 0 }])
})

t.test('a deletion whose answer is its own proof gives back too', async (t) => {
  const { engine } = await cloudWorld(t, { traits: { sightings: 0 } })
  await testWorker(t, engine)
  const act = (draft: IntentDraft) => engine.decide(say, { scope, input: { drafts: [draft] } })
  await act(create('vm', 'a', { size: 's' }, { counters: { cores: 4 } }))
  await act(remove('vm', 'a'))
  await allSettled(engine)
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 0 }])
})

t.test('a rejected re-creation consumes nothing, and every audit agrees', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const act = (draft: IntentDraft) => engine.decide(say, { scope, input: { drafts: [draft] } })
  await act(create('vm', 'a', { size: 's' }, { counters: { cores: 1 } }))
  await act(remove('vm', 'a'))
  await allSettled(engine)
  await limitCores(cloud, 0)
  await act(create('vm', 'a', { size: 's' }, { counters: { cores: 1 } }))
  await allSettled(engine)
  t.same(await engine.sql`select consumed from foreword_private.quota`, [{ consumed: 0 }])
  t.ok((await audit(auditStore(engine.sql))).ok)
})

t.test('a lost response is looked up, never repeated', async (t) => {
  const { engine, cloud } = await cloudWorld(t, {
    faults: { lose_response: 0.5, lag_ms: 100 } as never,
    traits: { settle_ms: 150, call_timeout_ms: 500 },
  })
  await testWorker(t, engine)
  const drafts = names(20).map((name) => create('vm', name, { size: 's' }))
  await engine.decide(say, { scope, input: { drafts } })
  t.ok((await allSettled(engine, 60_000)).every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 20, distinct_intents: 20, max: 1 })
  const [row] = await engine.sql<{ doubted: number }[]>`
    select count(*)::integer as doubted from foreword.attempt where outcome = 'in_doubt'`
  t.ok((row?.doubted ?? 0) > 0, 'responses really were lost')
})

t.test('a lost request is looked up, found not to have happened, and made again', async (t) => {
  const { engine, cloud } = await cloudWorld(t, {
    faults: { lose_request: 0.4 } as never,
    traits: { settle_ms: 50, call_timeout_ms: 300 },
  })
  await testWorker(t, engine)
  const drafts = names(10).map((name) => create('vm', name, { size: 's' }))
  await engine.decide(say, { scope, input: { drafts } })
  t.ok((await allSettled(engine, 60_000)).every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 10, distinct_intents: 10, max: 1 })
})

t.test('throttled calls are made again, after as long as the API asks for', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { faults: { throttle: 0.3 } })
  await testWorker(t, engine)
  const drafts = names(10).map((name) => create('vm', name, { size: 's' }))
  await engine.decide(say, { scope, input: { drafts } })
  t.ok((await allSettled(engine, 60_000)).every((i) => i.state === 'confirmed'))
  t.match(await ledgerOf(cloud), { effects: 10, max: 1 })
})

t.test(
  'with a provider nobody can ask, a lost response waits for a person and blocks only its own',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t, {
      faults: { match: [{ method: 'POST', fault: 'lose_response', p: 1, n: 1 }] } as never,
      traits: { idempotency: 'none', concurrency: 1 },
    })
    await testWorker(t, engine)
    const drafts = names(3).map((name) => create('vm', name, { size: 's' }))
    await engine.decide(say, { scope, input: { drafts } })
    await eventually('two confirmed', async () => {
      const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
      return rows.length === 2
    })
    const doubts = await eventually('it is looked at, and waits for a person', async () => {
      const rows = await engine.sql`
        select verb, sent, lookup from foreword.doubt where waits_for_a_person`
      return rows.length === 1 ? rows : null
    })
    t.match(doubts, [
      { verb: 'create', sent: { state: { size: 's' } }, lookup: { observed: { size: 's' } } },
    ])
    t.match(await ledgerOf(cloud), { effects: 3, max: 1 })
  },
)

t.test('an unreachable API costs waiting, and nothing is in doubt', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  const { port } = new URL(cloud.url)
  await cloud.close()
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('vm', 'a', { size: 's' })] } })
  await eventually('two attempts', async () => {
    const rows = await engine.sql`select from foreword.attempt where error_class = 'not_sent'`
    return rows.length >= 2
  })
  t.same(await engine.sql`select from foreword.doubt`, [])
  t.match(await engine.sql`select state from foreword.intent`, [{ state: /pending|applying/ }])
  t.ok(Number(port) > 0)
})
