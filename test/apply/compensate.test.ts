import t, { type Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import type { Cloud } from '../../src/cloud/index.ts'
import {
  create,
  defineDecider,
  remove,
  update,
  type Compensation,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { allSettled, cloudWorld, ledgerOf, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'

const saying = (compensation: Compensation) =>
  defineDecider({
    name: 'say',
    version: 1,
    compensation,
    read: (q) => ({ base: q.get('vm', 'base') }),
    decide: (_facts, { drafts }: { readonly drafts: readonly IntentDraft[] }) => drafts,
  })

const say = (
  engine: Engine,
  drafts: readonly IntentDraft[],
  compensation: Compensation = 'keep_going',
) => engine.decide(saying(compensation), { scope, input: { drafts } })

const onCloud = (cloud: Cloud, method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${cloud.url}/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-account': scope },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

/** A machine, a network and an address, all there; no more than 4 cores. */
const world = async (t: Test) => {
  const at = await cloudWorld(t, {
    config: { policies: [{ scope: '*', kind: 'dns_record', approve: ['create'] }] },
  })
  await onCloud(at.cloud, 'PUT', 'quotas', { cores: 4 })
  await testWorker(t, at.engine)
  await say(at.engine, [
    create('vm', 'base', { size: 's' }, { labels: { role: 'base' }, counters: { cores: 1 } }),
    create('ip', 'old', {}),
  ])
  await allSettled(at.engine)
  return at
}

const saga: readonly IntentDraft[] = [
  create('network', 'net', { cidr: '10.0.0.0/24' }),
  create('ip', 'new', {}, { needs: ['network/net'] }),
  update('vm', 'base', { size: 'm' }, { labels: { role: 'more' }, counters: { cores: 2 } }),
  remove('ip', 'old'),
  // Four cores more than there are.
  create(
    'vm',
    'big',
    { size: 'l' },
    {
      needs: ['network/net', 'ip/new', 'vm/base', 'ip/old'],
      counters: { cores: 4 },
    },
  ),
]

/** Awaits approval, so that it can be taken back when the test wants it. */
const late = create('dns_record', 'late', { type: 'A', ttl: 60, records: ['192.0.2.1'] })

const cancelLate = (engine: Engine) =>
  engine.sql`select foreword.cancel(id, 'ada', 'not wanted') from foreword.intent where name = 'late'`

const assumed = (engine: Engine) =>
  engine.sql<{ what: string; assumed: unknown; labels: unknown; in_sync: boolean }[]>`
    select kind || '/' || name as what, assumed, labels, in_sync
    from foreword.resource
    where assumed is not null
    order by 1`

/** What `foreword/compensate` has decided, and how it stands. */
const undoings = async (engine: Engine): Promise<readonly string[]> => {
  const rows = await engine.sql<{ told: string }[]>`
    select format('%s %s/%s %s', i.verb, i.kind, i.name, i.state) as told
    from foreword.intent i
    join foreword.decision d on d.id = i.decision_id
    where d.decider = 'foreword/compensate'
    order by i.id`
  return rows.map((row) => row.told)
}

/** Until the only intent on a resource is in a state, and a rejected one has been taken back. */
const untilState = (engine: Engine, what: string, state: string): Promise<unknown> =>
  eventually(`${what} is ${state}`, async () => {
    const rows = await engine.sql`
      select from foreword.intent
      where
        kind || '/' || name = ${what}
        and state = ${state}
        and (state <> 'rejected' or settled_at is not null)`
    return rows.length > 0
  })

const isClean = async (t: Test, engine: Engine): Promise<void> => {
  const { checks } = await audit(auditStore(engine.sql))
  t.same(
    checks.filter((check) => check.violated > 0),
    [],
    'the audit agrees',
  )
}

t.test(
  'all or nothing: what was begun is undone, in reverse order, and nothing is left',
  async (t) => {
    const { engine, cloud } = await world(t)
    const before = await assumed(engine)
    t.match(await say(engine, saga, 'all_or_compensate'), { type: 'decided' })
    await allSettled(engine)
    t.same([...(await undoings(engine))].sort(), [
      'create ip/old confirmed',
      'delete ip/new confirmed',
      'delete network/net confirmed',
      'update vm/base confirmed',
    ])
    t.same(await assumed(engine), before, 'labels too')
    t.same(await engine.sql`select metric, consumed from foreword.quota`, [
      { metric: 'cores', consumed: 1 },
    ])
    const order = await engine.sql<{ name: string }[]>`
    select i.name from foreword.intent i
    where i.verb = 'delete' and i.name in ('new', 'net') order by i.settled_at`
    t.same(
      order.map((row) => row.name),
      ['new', 'net'],
      'what came after goes first',
    )
    t.match(await ledgerOf(cloud), { effects: 10, max: 1 })
    await isClean(t, engine)
  },
)

t.test('halt begins nothing more and undoes nothing; keep_going goes on', async (t) => {
  for (const [compensation, state] of [
    ['halt', 'stale'],
    ['keep_going', 'awaiting_approval'],
  ] as const) {
    const { engine, cloud } = await cloudWorld(t, {
      config: { policies: [{ scope: '*', kind: 'ip', approve: ['create'] }] },
    })
    await onCloud(cloud, 'PUT', 'quotas', { cores: 1 })
    const drafts = [
      create('network', 'net', { cidr: '10.0.0.0/24' }),
      create('ip', 'later', {}),
      create('vm', 'big', { size: 'l' }, { needs: ['network/net'] }),
    ]
    await testWorker(t, engine)
    t.match(await say(engine, drafts, compensation), { type: 'decided' })
    await untilState(engine, 'vm/big', 'rejected')
    await untilState(engine, 'ip/later', state)
    t.same(
      (await assumed(engine)).map((row) => row.what),
      state === 'stale' ? ['network/net'] : ['ip/later', 'network/net'],
    )
    t.same(await undoings(engine), [])
    await isClean(t, engine)
  }
})

t.test('what somebody has moved on since waits for a person, who may let it be', async (t) => {
  const { engine } = await world(t)
  await say(engine, [create('network', 'net', { cidr: '10.0.0.0/24' }), late], 'all_or_compensate')
  await untilState(engine, 'network/net', 'confirmed')
  await say(engine, [
    update('network', 'net', { cidr: '10.0.0.0/24' }, { labels: { kept: 'yes' } }),
  ])
  await cancelLate(engine)
  await eventually('the undoing is decided', async () => (await undoings(engine)).length > 0)
  t.same(await undoings(engine), ['delete network/net awaiting_approval'])
  const [undoing] = await engine.sql<{ id: number }[]>`
    select id from foreword.intent where state = 'awaiting_approval'`
  await engine.sql`select foreword.cancel(${undoing?.id ?? 0}, 'ada', 'it is in use')`
  await allSettled(engine)
  t.same(await undoings(engine), ['delete network/net cancelled'])
  t.match((await assumed(engine)).at(0), { what: 'ip/old' })
  t.ok((await assumed(engine)).some((row) => row.what === 'network/net'))
  await isClean(t, engine)
})

t.test('an undoing that the API rejects waits for a person', async (t) => {
  const { engine, cloud } = await world(t)
  const drafts = [create('network', 'net', { cidr: '10.0.0.0/24' }), late]
  await say(engine, drafts, 'all_or_compensate')
  await untilState(engine, 'network/net', 'confirmed')
  const [net] = await engine.sql<{ external_id: string }[]>`
    select external_id from foreword.resource where name = 'net'`
  const guest = await onCloud(cloud, 'POST', 'vms', {
    name: 'by-hand',
    size: 's',
    network: net?.external_id,
  })
  const { id } = (await guest.json()) as { readonly id: string }
  await cancelLate(engine)
  await eventually('it was tried', async () => (await undoings(engine)).length === 2)
  t.same(await undoings(engine), [
    'delete network/net rejected',
    'delete network/net awaiting_approval',
  ])
  await onCloud(cloud, 'DELETE', `vms/${id}`)
  await eventually(
    'the guest is gone',
    async () => (await onCloud(cloud, 'GET', `vms/${id}`)).status === 404,
  )
  await engine.sql`
    select foreword.approve(id, 'ada') from foreword.intent where state = 'awaiting_approval'`
  await allSettled(engine)
  t.same(await undoings(engine), ['delete network/net rejected', 'delete network/net confirmed'])
  t.notOk((await assumed(engine)).some((row) => row.what === 'network/net'))
  await isClean(t, engine)
})

t.test(
  'what a decision says of its compensation is kept, also in SQL and of a lone intent',
  async (t) => {
    const { engine } = await cloudWorld(t)
    await say(engine, [create('vm', 'base', { size: 's' })], 'all_or_compensate')
    await say(engine, [update('vm', 'base', { size: 'm' })], 'halt')
    await say(engine, [update('vm', 'base', { size: 's' })])
    for (const [name, compensation] of [
      ['x', 'halt'],
      ['y', 'all_or_compensate'],
    ] as const) {
      await engine.sql.begin('isolation level serializable', async (tx) => {
        await tx`select foreword.intend(${scope}, 'vm', ${name}, 'create', '{"size": "s"}')`
        await tx`select foreword.decide('by-hand', compensation => ${compensation})`
      })
    }
    const rows = await engine.sql<{ compensation: string }[]>`
    select compensation from foreword.decision order by decided_at`
    t.same(
      rows.map((row) => row.compensation),
      ['all_or_compensate', 'halt', 'keep_going', 'halt', 'all_or_compensate'],
    )
  },
)

t.test('a compensation that nobody knows is a result, in SQL an error', async (t) => {
  const { engine } = await cloudWorld(t)
  const odd = { ...saying('halt'), compensation: 'perhaps' as Compensation }
  t.match(await engine.decide(odd, { scope, input: { drafts: [] } }), {
    type: 'invalid',
    sqlstate: 'FW029',
    reason: 'decider say: unknown compensation perhaps',
  })
  await t.rejects(
    engine.sql.begin('isolation level serializable', async (tx) => {
      await tx`select foreword.intend(${scope}, 'vm', 'x', 'create', '{"size": "s"}')`
      await tx`select foreword.decide('x', compensation => 'perhaps')`
    }),
    { code: 'FW028' },
  )
})
