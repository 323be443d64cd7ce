/** Reconciling a paused scope looks, and keeps what it sees true; it decides nothing. */
import t from 'tap'
import type { Cloud } from '../../src/cloud/index.ts'
import { create, defineDecider, type IntentDraft } from '../../src/domain/decider.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import { runScheduled } from '../../src/worker/run-scheduled.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

const drift = async (cloud: Cloud, name: string): Promise<void> => {
  const answer = await fetch(`${cloud.url}/admin/drift`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: scope, kind: 'vms', name, set: { size: 'l' } }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

t.test('drift of a paused scope is seen at once, and put back once it goes on', async (t) => {
  const { engine, cloud } = await cloudWorld(t, { traits: { settle_ms: 0 } })
  await testWorker(t, engine)
  const { store } = engine.reconcileDeps
  const wanted = { scope, stack: 'default', kind: 'vm', labels: {}, counters: {}, needs: [] }
  await store.want([{ ...wanted, name: 'wanted', spec: { size: 's' } }], 'test')
  await runConverge(engine.reconcileDeps)({ scope })
  await engine.decide(say, { scope, input: [create('vm', 'orphan', { size: 's' })] })
  await allSettled(engine)
  for (const name of ['wanted', 'orphan']) await drift(cloud, name)
  await engine.sql`select foreword.pause(${scope}, 'ada', 'freeze')`

  for (let i = 0; i < 2; i++) {
    t.match(await engine.reconcile({ scope }), {
      looked: 2,
      decisions: [],
      intents: [],
      paused: [{ scope, by: 'ada', note: 'freeze' }],
    })
  }
  t.match(
    await runScheduled(engine, [], { name: 'look', cron: '* * * * *', scope }),
    /^looked at 2, \d drifted, nothing decided: scope acme is paused by ada$/,
  )
  t.same(
    await engine.sql`select name, assumed from foreword.resource order by name`,
    [
      // What nobody wants by a stack is believed once it can be put back.
      { name: 'orphan', assumed: { size: 's' } },
      { name: 'wanted', assumed: { size: 'l' } },
    ],
    'what was seen is what deciders assume',
  )
  t.same(await runConverge(engine.reconcileDeps)({ scope }), {
    decisions: [],
    intents: [],
    retries: 0,
    paused: 'scope acme is paused by ada: freeze; foreword resume acme',
  })

  await engine.sql`select foreword.resume(${scope}, 'ada')`
  const found = await engine.reconcile({ scope })
  t.same(found.intents.map((i) => `${i.verb} ${i.name}`).toSorted(), [
    'update orphan',
    'update wanted',
  ])
  t.same(found.paused, [])
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
})

t.test('a reconcile of all scopes decides in those that go on', async (t) => {
  const { engine } = await cloudWorld(t)
  for (const at of ['on', 'off']) {
    await engine.sql`select foreword.want(${at}, 'vm', 'a', '{"size": "s"}')`
  }
  await engine.sql`select foreword.pause('off', 'ada')`
  const done = await engine.reconcile({})
  t.same(
    done.intents.map((i) => i.scope),
    ['on'],
  )
  t.match(done.paused, [{ scope: 'off' }])
})
