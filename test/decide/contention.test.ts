import t from 'tap'
import { create, defineDecider, update } from '../../src/domain/decider.ts'
import { engineOn, testEngine } from '../support/engine.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const increment = defineDecider({
  name: 'increment',
  version: 1,
  read: (q) => ({ it: q.get('number', 'it') }),
  decide: ({ it }) =>
    it === null
      ? create('number', 'it', { value: 1 })
      : update('number', 'it', { value: (it.state as { readonly value: number }).value + 1 }),
})

t.test('of processes that decide on one resource without pause none is starved', async (t) => {
  const { engine: first, url } = await testEngine(t)
  const engines = [first, ...[1, 2].map(() => engineOn(t, url, testConfig(url)))]
  const ended = await Promise.all(
    engines.map(async (engine, i) => {
      const types = new Set<string>()
      for (let n = 0; n < 100; n++) {
        const actor = `process ${i}`
        types.add((await engine.decide(increment, { scope, actor, input: undefined })).type)
      }
      return [...types]
    }),
  )
  t.same(ended, [['decided'], ['decided'], ['decided']])
  t.same(await first.sql`select version, assumed from foreword.resource`, [
    { version: 300, assumed: { value: 300 } },
  ])
  const [row] = await first.sql<{ conflicts: number; again: number }[]>`
    select
      (select count(*)::integer from foreword.conflict where sqlstate = '40001') as conflicts,
      (select count(*)::integer from foreword.decision where tries > 1) as again`
  t.ok((row?.conflicts ?? 0) > 0 && (row?.again ?? 0) > 0, 'they did meet, and decided again')
})
