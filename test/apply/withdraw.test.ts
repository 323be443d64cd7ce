import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { testEngine } from '../support/engine.ts'

const scope = 'acme'

const many = defineDecider({
  name: 'many',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly count: number }) =>
    Array.from({ length: input.count }, (_, i) => create('vm', `vm-${i}`, {})),
})

t.test('what is taken back is locked in the order of ids, as decisions lock it', async (t) => {
  const { engine } = await testEngine(t)
  const decided = await engine.decide(many, { scope, input: { count: 60 } })
  if (decided.type !== 'decided') throw new Error(decided.type)
  const head = { scope, decider: 'foreword/withdraw', decider_version: 1, reason: 'a test' }
  await engine.sql.begin(
    'isolation level serializable',
    (tx) => tx`
      select foreword_code.withdraw(
        gen_random_uuid(),
        ${decided.intents.map((intent) => intent.id)}::bigint[],
        ${tx.json(head)},
        'a test'
      )`,
  )
  // Each entry is numbered as its row is moved.
  const rows = await engine.sql<{ resource: string }[]>`
    select resource from foreword_private.entry where cause = 'withdrawal' order by id`
  const moved = rows.map((row) => row.resource)
  t.equal(moved.length, 60)
  t.same(moved, moved.toSorted())
})
