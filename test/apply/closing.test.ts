/** The programmer's door: what runs is let end, what comes later or makes no sense is refused by name. */
import t from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { testEngine } from '../support/engine.ts'
import { thingProvider } from '../support/thing-provider.ts'

const scope = 'acme'
const made = defineDecider({
  name: 'made',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('thing', name, { size: 1 }),
})

const closed = { name: 'ForewordError', message: /closed/, remedy: /connect anew/ }

t.test(
  'who closes lets end what is being decided and carried out, and may close twice',
  async (t) => {
    const { engine, url } = await testEngine(t)
    const foreword = await connect({ database: url, providers: [thingProvider()] })
    const names = Array.from({ length: 20 }, (_, i) => `t-${i}`)
    const under_way = names.map((input, i) =>
      foreword.decide(made, { scope, input, ...(i % 2 === 0 ? { apply: 'here' as const } : {}) }),
    )
    await Promise.all([foreword.close(), foreword.close()])
    await foreword.close()
    t.match(
      await Promise.all(under_way),
      names.map(() => ({ type: 'decided' })),
    )
    const lost = await engine.sql`
    select i.name from foreword.intent i where i.state not in ('pending', 'confirmed')`
    t.strictSame([...lost], [], 'no call was left without its outcome')
    const [alive] = await engine.sql`
    select count(*)::integer as workers from foreword.worker where alive`
    t.match(alive, { workers: 0 }, 'no worker stays')
  },
)

t.test('what is called on a closed connection is refused', async (t) => {
  const { url } = await testEngine(t)
  const foreword = await connect({ database: url, providers: [thingProvider()] })
  const decided = await foreword.decide(made, { scope, input: 'a' })
  if (decided.type !== 'decided') throw new Error(decided.type)
  const waiting = foreword.settled(decided.decision)
  const told = t.rejects(waiting, closed, 'who waits is told')
  await foreword.close()
  await told
  await t.rejects(foreword.decide(made, { scope, input: 'b' }), closed)
  await t.rejects(foreword.decide(made, { scope, input: 'b', apply: 'here' }), closed)
  await t.rejects(foreword.settled(decided.decision), closed)
  await t.rejects(foreword.reconcile(), closed)
  await t.rejects(foreword.observe({ scope, kind: 'thing', name: 'a', state: null }), closed)
})

t.test('what makes no sense is told by its name, and nothing hangs', async (t) => {
  const { url } = await testEngine(t)
  const foreword = await connect({ database: url, providers: [thingProvider()] })
  t.teardown(foreword.close)
  const stranger = '00000000-0000-4000-8000-000000000000'
  await t.rejects(foreword.settled(stranger), { message: `there is no decision ${stranger}` })
  await t.rejects(foreword.settled('made'), { message: 'this is no id of a decision' })
  const untyped = foreword.decide as unknown as (...args: unknown[]) => Promise<unknown>
  t.match(await untyped(undefined, { scope }), {
    type: 'invalid',
    reason: 'decide was given no decider, but undefined',
  })
  t.match(await untyped(made), { type: 'invalid', reason: 'decide was not told where' })
  t.match(await untyped(made, 'acme'), { type: 'invalid', remedy: /scope: 'acme'/ })
  await t.rejects(foreword.settled(stranger, { timeout_ms: NaN }), {
    message: 'timeout_ms is no number',
  })
})
