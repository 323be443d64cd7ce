import t from 'tap'
import { defaultLimits } from '../../src/domain/config.ts'
import { create, defineDecider, refuse, update } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { testEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const scope = 'acme'

const put = defineDecider({
  name: 'put',
  version: 1,
  read: (q, input: { readonly name: string; readonly labels?: Record<string, string> }) => ({
    vm: q.get('vm', input.name),
  }),
  decide: ({ vm }, { name, labels = {} }) =>
    vm === null ? create('vm', name, { size: 's' }, { labels }) : update('vm', name, { size: 'm' }),
})

/** Asks for a price while `meanwhile` happens, and buys at that price. */
const buy = (meanwhile: (thoughts: number) => Promise<unknown>) => {
  let thoughts = 0
  return defineDecider({
    name: 'buy',
    version: 1,
    read: (q) => ({
      a: q.get('vm', 'a'),
      pool: q.find('vm', { role: 'web' }),
      cores: q.counter('cores'),
    }),
    think: async () => {
      thoughts += 1
      await meanwhile(thoughts)
      return { price: 10 + thoughts }
    },
    decide: ({ a }, _input: undefined, { thought }) =>
      a === null
        ? refuse(`nothing to buy at ${thought.price}`)
        : update('vm', 'a', { size: 'l', price: thought.price }),
  })
}

const openTransactions = async (engine: Engine): Promise<number> => {
  const [row] = await engine.sql<{ open: number }[]>`
    select count(*)::integer as open
    from pg_stat_activity
    where
      datname = current_database()
      and application_name = 'foreword:decide'
      and xact_start is not null`
  return row?.open ?? -1
}

t.test('no transaction is open while a decider thinks', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a' } })
  let open = -1
  const slow = buy(async () => {
    open = await openTransactions(engine)
  })
  t.match(await engine.decide(slow, { scope, input: undefined }), { type: 'decided', tries: 1 })
  t.equal(open, 0)
  t.same(await engine.sql`select assumed from foreword.resource`, [
    { assumed: { size: 'l', price: 11 } },
  ])
})

const meanwhiles: readonly {
  readonly what: string
  readonly act: (engine: Engine) => Promise<unknown>
}[] = [
  {
    what: 'a version has moved',
    act: (engine) => engine.decide(put, { scope, input: { name: 'a' } }),
  },
  {
    what: 'somebody has joined a predicate',
    act: (engine) => engine.decide(put, { scope, input: { name: 'b', labels: { role: 'web' } } }),
  },
  {
    what: 'a counter has moved',
    act: (engine) =>
      engine.decide(
        defineDecider({
          name: 'consume',
          version: 1,
          read: () => ({}),
          decide: () => create('disk', 'd', {}, { counters: { cores: 4 } }),
        }),
        { scope, input: undefined },
      ),
  },
]

for (const { what, act } of meanwhiles) {
  t.test(`a thought counts only for the facts that it was about: ${what}`, async (t) => {
    const { engine } = await testEngine(t)
    await engine.decide(put, { scope, input: { name: 'a' } })
    const slow = buy(async (thoughts) => {
      if (thoughts === 1) await act(engine)
    })
    t.match(await engine.decide(slow, { scope, input: undefined }), { type: 'decided', tries: 2 })
    const [row] = await engine.sql`select assumed from foreword.resource where name = 'a'`
    t.same(row, { assumed: { size: 'l', price: 12 } }, 'it has thought again')
    t.same(await engine.sql`select decider, tries, sqlstate from foreword.conflict`, [
      { decider: 'buy', tries: 1, sqlstate: 'FW031' },
    ])
  })
}

t.test('what has nothing to do with its facts does not make a decider think again', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a' } })
  const slow = buy(() => engine.decide(put, { scope, input: { name: 'other' } }))
  t.match(await engine.decide(slow, { scope, input: undefined }), { type: 'decided', tries: 1 })
})

t.test('a try that was lost while nothing moved costs no second thought', async (t) => {
  const { engine } = await testEngine(t)
  await engine.decide(put, { scope, input: { name: 'a' } })
  const holder = await engine.sql.reserve()
  t.teardown(() => {
    holder.release()
  })
  let thoughts = 0
  const slow = buy(async (nth) => {
    thoughts = nth
    if (nth > 1) return
    await holder`begin`
    await holder`select from foreword_private.resource_state for update`
  })
  const tries = async (): Promise<readonly string[]> => {
    const rows = await engine.sql<{ begun: string }[]>`
      select xact_start::text as begun from pg_stat_activity
      where
        datname = current_database()
        and application_name = 'foreword:decide'
        and wait_event_type = 'Lock'`
    return rows.map((row) => row.begun)
  }
  const deciding = engine.decide(slow, { scope, input: undefined })
  await eventually('a try waits for the row', async () => (await tries()).length > 0)
  const [first] = await tries()
  await eventually('it has waited too long', async () => !(await tries()).includes(first ?? ''))
  await holder`rollback`
  const decided = await deciding
  // How many tries are lost before the holder is gone is the machine's affair.
  t.match(decided, { type: 'decided' })
  t.ok('tries' in decided && decided.tries > 1, 'a try was lost')
  t.equal(thoughts, 1)
  t.same(await engine.sql`select distinct sqlstate from foreword.conflict`, [{ sqlstate: '55P03' }])
  const [row] = await engine.sql`select assumed from foreword.resource`
  t.same(row, { assumed: { size: 'l', price: 11 } })
})

t.test('a decider whose facts never hold still gives up, and says why', async (t) => {
  const { engine } = await testEngine(t, { limits: { ...defaultLimits, decide_tries_max: 3 } })
  const slow = buy(() => engine.decide(put, { scope, input: { name: 'a' } }))
  const result = await engine.decide(slow, { scope, input: undefined })
  t.match(result, { type: 'gave_up', tries: 3, last_sqlstate: 'FW031' })
})

t.test(
  'a refusal after a thought is a refusal, and a thought that throws reaches the caller',
  async (t) => {
    const { engine } = await testEngine(t)
    const none = buy(() => Promise.resolve())
    t.match(await engine.decide(none, { scope, input: undefined }), {
      type: 'refused',
      reason: 'nothing to buy at 11',
    })
    const broken = buy(() => Promise.reject(new Error('no prices today')))
    await t.rejects(engine.decide(broken, { scope, input: undefined }), {
      message: 'no prices today',
    })
    t.same(await engine.sql`select from foreword.decision`, [])
  },
)
