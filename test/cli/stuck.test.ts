/** What `--wait` need not wait for: a person must rule before it moves. */
import t from 'tap'
import { stuckIntents } from '../../src/cli/intents.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'

const scope = 'acme'

t.test(
  'who relied on a call that nobody knows is stuck behind it, and a stranger is not',
  async (t) => {
    const provider = scriptedProvider({
      traits: { idempotency: 'none' },
      call: (call) =>
        call.name === 'stranger'
          ? Promise.resolve({ type: 'rejected', reason: 'busy', retry_after_ms: 60_000 })
          : Promise.reject(new Error('reset')),
    })
    const { engine } = await testEngine(t, { providers: [provider] })
    const onA = defineDecider({
      name: 'on-a',
      version: 1,
      read: (q) => ({ a: q.get('thing', 'a') }),
      decide: ({ a }) => (a === null ? [] : create('thing', 'b', {})),
    })
    const drafts = [create('thing', 'a', {})]
    await engine.decide(say, { scope, input: { drafts } })
    t.match(await engine.decide(onA, { scope, input: undefined }), { type: 'decided' })
    await engine.decide(say, { scope, input: { drafts: [create('thing', 'stranger', {})] } })
    await testWorker(t, engine)
    await eventually('the first is parked, and the second is behind it', async () => {
      const stuck = await stuckIntents(engine.sql)
      const rows = await engine.sql<{ name: string }[]>`
      select i.name from foreword.intent i where i.id = any (${[...stuck].map(String)}::bigint[])`
      return (
        rows
          .map(({ name }) => name)
          .toSorted()
          .join() === 'a,b'
      )
    })
  },
)
