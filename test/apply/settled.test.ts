/** What `settled` answers to whoever waits for a decision, where nothing goes on without a person. */
import t from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { testEngine, testWorker } from '../support/engine.ts'
import { thingProvider } from '../support/thing-provider.ts'

const scope = 'acme'

/** Each relies on the one that was made before it. */
const after = defineDecider({
  name: 'after',
  version: 1,
  read: (q, input: { readonly on: string; readonly name: string }) => ({
    on: q.get('thing', input.on),
  }),
  decide: (_facts, input) => create('thing', input.name, { size: 1 }),
})

t.test('a decision waits for a person where another one that it relied on does', async (t) => {
  const provider = thingProvider()
  const { engine, url } = await testEngine(t, {
    providers: [provider],
    deciders: [after],
    policies: [{ scope: '*', kind: 'thing', approve: ['delete'] }],
  })
  const foreword = await connect({
    database: url,
    providers: [provider],
    policies: [{ scope: '*', kind: 'thing', approve: ['create'] }],
  })
  t.teardown(foreword.close)
  const first = await foreword.decide(after, { scope, input: { on: 'none', name: 'a' } })
  if (first.type !== 'decided') throw new Error(first.type)
  const decided = [first.decision]
  // Under no policy of its own: it waits for `a`, and the third for that.
  for (const [on, name] of [
    ['a', 'b'],
    ['b', 'c'],
  ] as const) {
    const next = await engine.decide(after, { scope, input: { on, name } })
    if (next.type !== 'decided') throw new Error(next.type)
    decided.push(next.decision)
  }
  await testWorker(t, engine)
  for (const decision of decided) {
    t.match(await foreword.settled(decision, { timeout_ms: 20_000 }), { type: 'waits' })
  }
  const [approval] = await engine.sql<{ id: number }[]>`
    select i.id from foreword.intent i where i.state = 'awaiting_approval'`
  await engine.sql`select foreword.approve(${approval?.id ?? 0}, 'ann')`
  for (const decision of decided) {
    t.match(await foreword.settled(decision, { timeout_ms: 20_000 }), {
      type: 'settled',
      intents: [{ state: 'confirmed' }],
    })
  }
})

t.test('a decision waits for a person where its scope is paused', async (t) => {
  const provider = thingProvider()
  const { engine, url } = await testEngine(t, { providers: [provider] })
  const foreword = await connect({ database: url, providers: [provider] })
  t.teardown(foreword.close)
  const decided = await foreword.decide(after, { scope, input: { on: 'none', name: 'a' } })
  if (decided.type !== 'decided') throw new Error(decided.type)
  await engine.sql`select foreword.pause(${scope}, 'ada', 'freeze')`
  t.match(await foreword.settled(decided.decision), {
    type: 'waits',
    intents: [{ state: 'pending', reason: 'scope acme is paused by ada: freeze' }],
  })
  await testWorker(t, engine)
  await engine.sql`select foreword.resume(${scope}, 'ada')`
  t.match(await foreword.settled(decided.decision), { type: 'settled' })
})

t.test('of no decision it is not said that all is done', async (t) => {
  const { url } = await testEngine(t)
  const foreword = await connect({ database: url })
  t.teardown(foreword.close)
  const none: readonly unknown[] = [undefined, null, '', 'web-1', 7, crypto.randomUUID()]
  for (const id of none) {
    await t.rejects(foreword.settled(id as never, { timeout_ms: 0 }), {
      name: 'ForewordError',
      message: /there is no decision|this is no id of a decision/,
      remedy: /decision|database/,
    })
  }
  const decided = await foreword.decide(after, { scope, input: { on: 'none', name: 'a' } })
  if (decided.type !== 'decided') throw new Error(decided.type)
  await t.rejects(foreword.settled(decided.decision, { timeout_ms: NaN }), {
    message: 'timeout_ms is no number',
  })
})
