/** Actions that are not states: reboot, rotate. */
import t, { type Test } from 'tap'
import { act, create, defineDecider, update, type IntentDraft } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, type AnyProvider, type Call, type Traits } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { codeOf } from '../../src/store/connect.ts'
import { auditedBy } from '../support/audited.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say } from '../support/scripted-provider.ts'
import { worldProvider, type World } from '../support/watched-world.ts'

const scope = 'acme'

/** Reads `a` and intends. */
const acting = defineDecider({
  name: 'acting',
  version: 1,
  read: (q) => ({ a: q.get('thing', 'a') }),
  decide: (_facts, input: { readonly drafts: readonly IntentDraft[] }) => input.drafts,
})

const world = async (
  t: Test,
  over: {
    readonly traits?: Partial<Traits>
    readonly reboot?: (call: Call, calls: number) => Promise<ReturnType<typeof applied>>
    readonly find?: AnyProvider['find']
  } = {},
) => {
  const things: World = new Map()
  const calls: { readonly verb: string; readonly args: Json; readonly key: string }[] = []
  const provider: AnyProvider = {
    ...worldProvider({
      world: things,
      traits: { settle_ms: 0, call_timeout_ms: 300, ...over.traits },
    }),
    calls: {
      reboot: (call: Call) => {
        calls.push({ verb: call.verb, args: call.args ?? null, key: call.idempotency_key })
        return over.reboot?.(call, calls.length) ?? Promise.resolve(applied(call.spec as Json))
      },
    },
    ...(over.find === undefined ? {} : { find: over.find }),
  }
  const { engine } = await testEngine(t, { providers: [provider] })
  await testWorker(t, engine)
  await engine.decide(say, { scope, input: { drafts: [create('thing', 'a', { n: 1 })] } })
  await allSettled(engine)
  return { engine, things, calls }
}

const reboot = (engine: Engine, args: Json = null) =>
  engine.decide(acting, { scope, input: { drafts: [act('thing', 'a', 'reboot', args)] } })

const last = async (engine: Engine) => {
  const [row] = await engine.sql<
    { state: string; version: number; args: Json; state_after: Json }[]
  >`
    select state, version, args, state_after from foreword.intent order by id desc limit 1`
  return row
}

t.test('an action has its args, leaves the state, makes a version, and is no drift', async (t) => {
  const { engine, calls } = await world(t)
  const args = { hard: true, why: 'ünïcödé ☃', list: [1, null] }
  t.match(await reboot(engine, args), { type: 'decided' })
  await allSettled(engine)
  t.match(calls, [{ verb: 'reboot', args }])
  t.same(await last(engine), { state: 'confirmed', version: 2, args, state_after: { n: 1 } })
  await reboot(engine)
  await allSettled(engine)
  t.match(await last(engine), { state: 'confirmed', version: 3, args: null })
  t.equal(calls[1]?.args, null)
  t.match(await engine.reconcile({ scope }), { looked: 1, drifted: [], intents: [] })
  await auditedBy(t, engine)
})

t.test('whoever relied on what is acted on decides again', async (t) => {
  const { engine } = await world(t)
  let thoughts = 0
  const relying = defineDecider({
    name: 'relying',
    version: 1,
    read: (q) => ({ a: q.get('thing', 'a') }),
    think: async () => {
      if (thoughts++ === 0) await reboot(engine)
      return null
    },
    decide: ({ a }) => update('thing', 'a', { n: a?.version ?? 0 }),
  })
  t.match(await engine.decide(relying, { scope, input: undefined }), { type: 'decided', tries: 2 })
})

const lose = (_call: Call, calls: number) =>
  calls === 1 ? Promise.reject(new Error('reset')) : Promise.resolve(applied({ n: 1 }))

t.test('an action of unknown outcome is not repeated because a state would be', async (t) => {
  const parked: readonly Partial<Traits>[] = [
    { idempotency: 'natural' },
    { idempotency: 'none' },
    { idempotency: 'lookup' },
    { idempotency: 'token', token_valid_ms: 1_000_000, verbs: { reboot: 'none' } },
  ]
  for (const traits of parked) {
    const { engine, calls } = await world(t, { traits, reboot: lose })
    await reboot(engine, { hard: true })
    await eventually('a person is asked', async () => {
      const doubts = await engine.sql`
        select from foreword.doubt where waits_for_a_person and sent -> 'args' = '{"hard": true}'`
      return doubts.length === 1
    })
    t.equal(calls.length, 1, JSON.stringify(traits))
    await engine.close()
  }
})

t.test(
  'it is repeated where a token, a look-up by its key or the provider makes that safe',
  async (t) => {
    const safe: readonly (readonly [Partial<Traits>, AnyProvider['find'], number])[] = [
      [{ idempotency: 'token', token_valid_ms: 1_000_000 }, undefined, 2],
      [{ idempotency: 'natural', verbs: { reboot: 'natural' } }, undefined, 2],
      [{ idempotency: 'lookup' }, () => Promise.resolve(null), 2],
      [{ idempotency: 'lookup' }, () => Promise.resolve({ state: { n: 1 } }), 1],
    ]
    for (const [traits, find, times] of safe) {
      const { engine, calls } = await world(t, { traits, reboot: lose, ...(find && { find }) })
      await reboot(engine, { hard: true })
      t.equal((await allSettled(engine)).at(-1)?.state, 'confirmed')
      t.equal(calls.length, times)
      t.same(
        [...new Set(calls.map(({ key, args }) => `${key} ${JSON.stringify(args)}`))].length,
        1,
        'each time the same call under the same key',
      )
      await engine.close()
    }
  },
)

t.test('what is no action is refused, and nothing is written', async (t) => {
  const { engine } = await world(t)
  const odd: readonly (readonly [IntentDraft, string, RegExp])[] = [
    [act('thing', 'a', 'explode'), 'FW022', /unknown verb explode/],
    [act('thing', 'a', 'constructor'), 'FW022', /unknown verb constructor/],
    [act('thing', 'b', 'reboot'), 'FW020', /was not read/],
    [update('thing', 'a', { n: 1 }, { args: { a: 1 } }), 'FW028', /args of update/],
    [act('thing', 'a', 'reboot', 'x'.repeat(70_000)), 'FW023', /args are larger/],
    [act('thing', 'a', 'reboot', { n: Number.NaN }), 'FW020', /args/],
  ]
  for (const [draft, sqlstate, reason] of odd) {
    const result = await engine.decide(acting, { scope, input: { drafts: [draft] } })
    t.match(result, { type: 'invalid', sqlstate, reason })
  }
  const absent = defineDecider({
    name: 'absent',
    version: 1,
    read: (q) => ({ b: q.get('thing', 'b') }),
    decide: () => act('thing', 'b', 'reboot'),
  })
  t.match(await engine.decide(absent, { scope, input: undefined }), {
    type: 'invalid',
    sqlstate: 'FW011',
  })
  t.same(await engine.sql`select from foreword_private.argument`, [])
})

t.test('SQL intends actions too: a state of null is the one that is assumed', async (t) => {
  const { engine, calls } = await world(t)
  const intend = (args: string) =>
    engine.sql.begin('isolation level serializable', async (tx) => {
      await tx.unsafe(`select foreword.intend('acme', 'thing', ${args})`)
      await tx`select foreword.decide('by hand')`
    })
  await intend(`'a', 'reboot', null, '{"args": {"hard": true}}'`)
  await allSettled(engine)
  t.match(calls, [{ args: { hard: true } }])
  t.match(await last(engine), { state: 'confirmed', version: 2, state_after: { n: 1 } })
  t.match(
    await engine.sql`select version from foreword.premise where name = 'a'`,
    [{ version: 1 }],
    'and a premise',
  )
  const odd: Readonly<Record<string, string>> = {
    [`'never', 'reboot', null`]: 'FW011',
    [`'a', 'update', null`]: 'FW020',
    [`'a', 'update', '{}', '{"args": 1}'`]: 'FW028',
    [`'a', 'reboot', null, jsonb_build_object('args', repeat('x', 70000))`]: 'FW023',
  }
  for (const [args, code] of Object.entries(odd)) {
    t.equal(await intend(args).then(() => '', codeOf), code, args)
  }
  await auditedBy(t, engine)
})

t.test('a verb that every object has is no action of a provider', async (t) => {
  const { engine } = await world(t, { traits: { verbs: { reboot: 'natural' } } })
  // SQL knows no providers: what none of them has is told when its turn comes.
  for (const verb of ['constructor', 'toString', 'valueOf']) {
    await engine.sql.begin('isolation level serializable', async (tx) => {
      await tx`select foreword.intend('acme', 'thing', 'a', ${verb}, null)`
      await tx`select foreword.decide('by hand')`
    })
    t.match((await allSettled(engine)).at(-1), {
      state: 'rejected',
      reason: `the provider has no verb ${verb}`,
    })
  }
})
