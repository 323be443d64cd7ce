/** A provider that is declared anew while calls of its old declaration are open. */
import t from 'tap'
import { create } from '../../src/domain/decider.ts'
import { applied } from '../../src/domain/provider.ts'
import { engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { testConfig } from '../support/settings.ts'

t.test('what was to be repeated under a token is not, once there are no tokens', async (t) => {
  let calls = 0
  let stopped: Promise<boolean> | undefined
  const tokens = scriptedProvider({
    traits: { idempotency: 'token', token_valid_ms: 3_600_000 },
    call: () => {
      calls += 1
      // It claims no more: the repeat is left to whoever comes next.
      stopped = worker.stop()
      return Promise.reject(new Error('the answer was lost'))
    },
  })
  const { engine, url } = await testEngine(t, { providers: [tokens] })
  const worker = await engine.startWorker(() => undefined)
  await engine.decide(say, { scope: 'acme', input: { drafts: [create('thing', 'a', {})] } })
  await eventually('it was called', () => stopped)
  await stopped
  const intent = async () => {
    const [row] = await engine.sql<{ state: string; reason: string | null }[]>`
      select state, reason from foreword.intent`
    return row
  }
  t.match(await intent(), { state: 'pending', reason: /lost/ })

  const none = scriptedProvider({
    traits: { idempotency: 'none' },
    call: () => {
      calls += 1
      return Promise.resolve(applied({}))
    },
  })
  const later = engineOn(t, url, testConfig(url, { providers: [none] }))
  await testWorker(t, later)
  await eventually('it has come to something', async () => (await intent())?.state !== 'pending')
  await eventually('nobody has it in hand', async () => (await intent())?.state !== 'applying')
  t.match(await intent(), { state: 'in_doubt', reason: /not called again: an earlier call/ })
  t.equal(calls, 1)
  // Somebody looks once more for whoever is to rule, and has it in hand for that long.
  await eventually('it waits for a person', async () => {
    const [doubt] = await engine.sql<{ waits_for_a_person: boolean }[]>`
      select d.waits_for_a_person from foreword.doubt d`
    return doubt?.waits_for_a_person
  })
  await engine.sql`select foreword.resolve(id, 'did_not_happen', 'me', 'looked') from foreword.intent`
  await eventually('it is done', async () => (await intent())?.state === 'confirmed', {
    deadline_ms: 30_000,
  })
  t.equal(calls, 2, 'a ruling is enough')
})
