/** Maintenance windows: outside of them nothing is begun, and what waits is due when they open. */
import t from 'tap'
import { week_days, type Policy, type Window } from '../../src/domain/config.ts'
import { create, defineDecider, update, type IntentDraft } from '../../src/domain/decider.ts'
import { registrable } from '../../src/domain/policy.ts'
import { registerPolicies } from '../../src/store/policy-store.ts'
import { testDatabase } from '../support/database.ts'
import { allSettled, engineOn, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'
const day_ms = 86_400_000

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

/** The day after so many days, as its window is written. */
const dayIn = (days: number): (typeof week_days)[number] => {
  const at = (new Date(Date.now() + days * day_ms).getUTCDay() + 6) % 7
  return week_days[at] ?? 'mon'
}

/** It opens in three days: whatever the time, it is closed while this runs. */
const closed = (): Window => ({ days: [dayIn(3)], from: '06:00', to: '07:00' })

const held = (policy: Partial<Policy>): Policy => ({
  scope: '*',
  kind: 'thing',
  window: closed(),
  ...policy,
})

t.test('what is covered waits until its window opens, and says so; all else goes on', async (t) => {
  const thing = gate('thing')
  const other = gate('other')
  thing.open()
  other.open()
  const { url } = await testDatabase(t)
  const providers = [thing.provider, other.provider]
  const policies = [held({}), { scope: '*', kind: 'thing', name: 'free-*', window: {} }]
  const engine = engineOn(t, url, testConfig(url, { providers, policies }))
  await testWorker(t, engine)
  await engine.decide(say, {
    scope,
    input: [
      ...Array.from({ length: 20 }, (_, i) => create('thing', `t-${i}`, {})),
      create('thing', 'free-1', {}),
      create('other', 'o', {}),
    ],
  })
  await eventually('what is not covered is through, and all else set aside', async () => {
    const rows = await engine.sql`
      select from foreword.intent
      where settled_at is null and (due_at is null or due_at < now() + interval '1 day')`
    return rows.length === 0
  })
  t.same([...thing.begun(), ...other.begun()].toSorted(), ['create free-1', 'create o'])
  const [row] = await engine.sql<{ states: string[]; reasons: string[]; due: Date[] }[]>`
    select
      array_agg(distinct state) as states,
      array_agg(distinct reason) as reasons,
      array_agg(distinct due_at) as due
    from foreword.intent
    where settled_at is null`
  const opens = new Date(Math.floor(Date.now() / day_ms + 3) * day_ms + 6 * 3_600_000)
  const told = opens.toISOString().slice(0, 16).replace('T', ' ')
  t.same(row?.states, ['pending'])
  t.same(row?.due, [opens])
  t.same(row?.reasons, [`outside of its maintenance window, which opens at ${told} UTC`])

  await registerPolicies(engine.sql, [])
  t.ok((await allSettled(engine)).every(({ state }) => state === 'confirmed'))
  t.equal(thing.begun().length, 21, 'the policy was lifted')
})

t.test('what was begun in its window ends outside of it', async (t) => {
  const thing = gate('thing')
  const { url } = await testDatabase(t)
  const engine = engineOn(t, url, testConfig(url, { providers: [thing.provider] }))
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: [create('thing', 'a', {})] })
  await eventually('it is called', () => thing.begun().length === 1)
  await registerPolicies(engine.sql, [held({})])
  await engine.decide(say, { scope, input: [update('thing', 'a', {})] })
  thing.open()
  await eventually('it is confirmed', async () => {
    const rows = await engine.sql`
      select from foreword.intent where state = 'confirmed' or due_at > now() + interval '1 day'`
    return rows.length === 2
  })
  t.same(thing.begun(), ['create a'])
})

t.test('a pause in a window, and a window in a pause: both must let it go', async (t) => {
  const thing = gate('thing')
  thing.open()
  const { url } = await testDatabase(t)
  const policies = [held({})]
  const engine = engineOn(t, url, testConfig(url, { providers: [thing.provider], policies }))
  await engine.decide(say, { scope, input: [create('thing', 'a', {})] })
  await engine.sql`select foreword.pause(${scope}, 'ada')`
  await testWorker(t, engine)
  const waits = (due: string) =>
    eventually(`it waits, due ${due}`, async () => {
      const rows = await engine.sql`
        select from foreword.intent
        where coalesce(to_char(due_at - now(), 'DD') || ' days', 'never') ~ ${due}`
      return rows.length === 1
    })
  await waits('never')
  await engine.sql`select foreword.resume(${scope}, 'ada')`
  await waits('0[23] days')
  await engine.sql`select foreword.pause(${scope}, 'ada')`
  t.match(await engine.sql`select reason from foreword.intent`, [{ reason: /is paused by ada/ }])
  await registerPolicies(engine.sql, [])
  await waits('never')
  await engine.sql`select foreword.resume(${scope}, 'ada')`
  await allSettled(engine)
  t.same(thing.begun(), ['create a'])
})

t.test('a window opens when it says, over midnight and over the week', async (t) => {
  const { sql } = await testDatabase(t)
  // 2026-11-25 is a Wednesday.
  const cases: readonly (readonly [
    Window | readonly Window[],
    at: string,
    opens: string | null,
  ])[] = [
    [{}, '2026-11-25 00:00', null],
    [{ from: '22:00', to: '04:00' }, '2026-11-25 21:59:59', '2026-11-25 22:00'],
    [{ from: '22:00', to: '04:00' }, '2026-11-25 22:00', null],
    [{ from: '22:00', to: '04:00' }, '2026-11-26 03:59:59', null],
    [{ from: '22:00', to: '04:00' }, '2026-11-26 04:00', '2026-11-26 22:00'],
    [{ days: ['wed'], from: '22:00', to: '04:00' }, '2026-11-26 03:00', null],
    [{ days: ['thu'], from: '22:00', to: '04:00' }, '2026-11-26 03:00', '2026-11-26 22:00'],
    [{ days: ['sun'], from: '22:00', to: '04:00' }, '2026-11-30 03:00', null],
    [{ days: ['sun'], from: '22:00', to: '04:00' }, '2026-11-30 05:00', '2026-12-06 22:00'],
    [{ days: ['wed'] }, '2026-11-25 23:59', null],
    [{ days: ['wed'] }, '2026-11-26 00:00', '2026-12-02 00:00'],
    [{ days: ['wed'], from: '12:00' }, '2026-11-25 11:00', '2026-11-25 12:00'],
    [{ days: ['wed'], to: '12:00' }, '2026-11-25 12:00', '2026-12-02 00:00'],
    [{ from: '09:00', to: '09:00' }, '2026-11-25 08:59', null],
    [{ from: '00:00', to: '24:00' }, '2026-11-25 23:59:59', null],
    [
      [{ days: ['sat', 'sun'] }, { from: '02:00', to: '03:00' }],
      '2026-11-25 12:00',
      '2026-11-26 02:00',
    ],
    [[{ days: ['sat', 'sun'] }, { from: '02:00', to: '03:00' }], '2026-11-28 12:00', null],
  ]
  for (const [window, at, opens] of cases) {
    const [policy] = registrable([held({ window })]) as readonly { windows: never }[]
    const [row] = await sql<{ opens: string | null }[]>`
      select to_char(
        foreword_code.window_opens(${sql.json(policy?.windows as never)}, ${`${at}+00`}::timestamptz)
          at time zone 'UTC',
        'YYYY-MM-DD HH24:MI'
      ) as opens`
    t.equal(row?.opens, opens, `${JSON.stringify(window)} at ${at}`)
  }
})
