import t from 'tap'
import { remove } from '../../src/domain/decider.ts'
import { dueRenames, rename } from '../../src/reconcile/rename.ts'
import { allSettled, cloudWorld } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import { apply, brokenLaws, scope, want } from '../support/wanting.ts'

t.test('nothing is renamed to a name that somebody has made and unmade meanwhile', async (t) => {
  const { engine } = await cloudWorld(t)
  const deps = engine.reconcileDeps
  const worker = await engine.startWorker(() => undefined)
  await apply(engine, [want('vm', 'a', { size: 's' }, { counters: { cores: 2 } })])
  await allSettled(engine)
  await worker.stop()
  const due = await dueRenames(deps, scope, [{ kind: 'vm', from: 'a', to: 'b' }], [])
  await apply(engine, [want('vm', 'b', { size: 's' }, { counters: { cores: 1 } })])
  await engine.decide(say, { scope, input: { drafts: [remove('vm', 'b')] } })
  await t.rejects(rename(deps, scope, due, { actor: 'test', reason: 'test' }), {
    message: /vm\/b has moved meanwhile/,
  })
  t.match(
    await engine.sql`
      select name, external_id is null as unknown from foreword.resource order by name`,
    [
      { name: 'a', unknown: false },
      { name: 'b', unknown: true },
    ],
    'what is still called for under that name has not been given the id of the other',
  )
  t.same(await brokenLaws(engine), [])
})
