/** What an intent needs was read, and is a premise of its decision like whatever else was read. */
import t, { type Test } from 'tap'
import { create, defineDecider, update, type IntentDraft } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { jsonb } from '../../src/store/jsonb.ts'
import { testEngine } from '../support/engine.ts'
import { inTransaction, sqlClient } from '../support/sql-client.ts'

const scope = 'acme'

/** Reads the zones that it is told to, and writes what it is told to. */
const say = defineDecider({
  name: 'say',
  version: 1,
  read: (
    q,
    input: { readonly reads: readonly string[]; readonly drafts: readonly IntentDraft[] },
  ) => ({
    all: q.getAll('zone', input.reads),
  }),
  decide: (_facts, { drafts }) => drafts,
})

type Decide = (
  reads: readonly string[],
  ...drafts: readonly IntentDraft[]
) => Promise<readonly string[]>

/** The premises of the decision just made, as KIND/NAME@VERSION. */
const premisesOf = async (engine: Engine, id: string): Promise<readonly string[]> => {
  const rows = await engine.sql<{ premise: string }[]>`
    select kind || '/' || name || '@' || version as premise
    from foreword.premise
    where decision_id = ${id}
    order by 1`
  return rows.map((row) => row.premise)
}

const inTypescript =
  (engine: Engine): Decide =>
  async (reads, ...drafts) => {
    const result = await engine.decide(say, { scope, input: { reads, drafts } })
    if (result.type !== 'decided') throw new Error(result.type)
    return premisesOf(engine, result.decision)
  }

const inSql = async (t: Test, engine: Engine): Promise<Decide> => {
  const tx = await sqlClient(t, engine.url)
  return async (reads, ...drafts) => {
    const id = crypto.randomUUID()
    await inTransaction(tx, async () => {
      for (const name of reads) await tx`select foreword.assume(${scope}, 'zone', ${name})`
      for (const { kind, name, verb, state, needs = [] } of drafts) {
        await tx`
          select foreword.intend(
            ${scope}, ${kind}, ${name}, ${verb}, ${jsonb(tx, state)},
            ${jsonb(tx, { needs })}
          )`
      }
      await tx`select foreword.decide('by-hand', id => ${id})`
    })
    return premisesOf(engine, id)
  }
}

const laws = async (t: Test, decide: Decide): Promise<void> => {
  await decide([], create('zone', 'z', {}))
  await decide([], update('zone', 'z', { ttl: 60 }))
  const needing = { needs: ['zone/z'] }
  t.same(await decide([], create('record', 'a', {}, needing)), ['zone/z@2'])
  t.same(
    await decide([], create('record', 'b', {}, { needs: ['zone/none'] })),
    ['zone/none@0'],
    'its absence too',
  )
  t.same(await decide(['z'], create('record', 'c', {}, needing)), ['zone/z@2'], 'once')
  t.same(
    await decide([], create('zone', 'new', {}), create('record', 'd', {}, { needs: ['zone/new'] })),
    [],
    'but not what the decision itself makes',
  )
  t.same(await decide([], create('record', 'e', {}, needing), create('record', 'f', {}, needing)), [
    'zone/z@2',
  ])
}

t.test('what an intent needs is a premise, in TypeScript', async (t) => {
  const { engine } = await testEngine(t)
  await laws(t, inTypescript(engine))
})

t.test('what an intent needs is a premise, in SQL', async (t) => {
  const { engine } = await testEngine(t)
  await laws(t, await inSql(t, engine))
})

t.test('with what one intent needs goes all that was decided along with it', async (t) => {
  const { engine } = await testEngine(t)
  const decide = inTypescript(engine)
  await decide([], create('zone', 'z', {}))
  await decide([], create('record', 'a', {}, { needs: ['zone/z'] }), create('record', 'beside', {}))
  await decide([], create('record', 'stranger', {}))
  const head = { scope, decider: 'foreword/withdraw', reason: 'a test' }
  await engine.sql.begin(
    'isolation level serializable',
    (tx) => tx`
      select foreword_code.withdraw(
        gen_random_uuid(),
        array(select id from foreword.intent where name = 'z'),
        ${tx.json(head)},
        'a test'
      )`,
  )
  t.same(await engine.sql`select name, state from foreword.intent order by name`, [
    { name: 'a', state: 'stale' },
    { name: 'beside', state: 'stale' },
    { name: 'stranger', state: 'pending' },
    { name: 'z', state: 'stale' },
  ])
})

/** An error's code where it was thrown, the result's where it is one. */
const refusal = async (deciding: Promise<unknown>): Promise<string | undefined> =>
  deciding.then(
    (result) => (result as { sqlstate?: string }).sqlstate,
    (error: unknown) => (error as { code?: string }).code,
  )

t.test(
  'intents that need each other in a circle are refused, for they would wait for ever',
  async (t) => {
    const { engine } = await testEngine(t)
    const sql = await inSql(t, engine)
    const circles: readonly (readonly IntentDraft[])[] = [
      [create('zone', 'self', {}, { needs: ['zone/self'] })],
      [
        create('zone', 'a', {}, { needs: ['zone/b'] }),
        create('zone', 'b', {}, { needs: ['zone/c'] }),
        create('zone', 'c', {}, { needs: ['zone/a'] }),
        create('zone', 'aside', {}, { needs: ['zone/c'] }),
      ],
    ]
    for (const drafts of circles) {
      t.match(await engine.decide(say, { scope, input: { reads: [], drafts } }), {
        type: 'invalid',
        sqlstate: 'FW033',
        reason: /circle/,
      })
      t.equal(await refusal(sql([], ...drafts)), 'FW033')
    }
    t.same(await engine.sql`select from foreword.intent`, [], 'nothing is written')
    const backwards = [
      create('zone', 'late', {}, { needs: ['zone/early'] }),
      create('zone', 'early', {}),
    ]
    t.same(await sql([], ...backwards), [], 'what is intended later may be needed')
  },
)
