/**
 * The law: one intent that breaks whatever it touches ends parked or rejected, with the reason, and its
 * neighbours of the same batch know nothing of it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import * as io from 'io-ts'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, rejected, type Call, type Outcome } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { thingProvider, type Things } from '../support/thing-provider.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly names: readonly string[] }) =>
    input.names.map((name) => create('thing', name, { size: 1 })),
})

interface Ended {
  readonly name: string
  readonly state: string
  readonly reason: string | null
  readonly due_at: Date | null
  readonly attempts: number
}

const good = Array.from({ length: 12 }, (_, i) => `good-${i}`)

const intents = (engine: Engine): Promise<readonly Ended[]> => engine.sql<Ended[]>`
  select name, state, reason, due_at, attempts from foreword.intent order by name`

const allEnded = (engine: Engine): Promise<readonly Ended[]> =>
  eventually('all settled or parked', async () => {
    const all = await intents(engine)
    return all.every((i) => i.due_at === null) ? all : null
  })

/** Carries out the bad ones in the midst of good ones; the bad, once all else is through. */
const among = async (
  t: Test,
  bad: readonly string[],
  things: Things,
  before: (engine: Engine) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ readonly engine: Engine; readonly ended: readonly Ended[] }> => {
  const { engine } = await testEngine(t, { providers: [thingProvider(things)] })
  const names = [...good.slice(0, 6), ...bad, ...good.slice(6)]
  await before(engine)
  await engine.decide(say, { scope, input: { names } })
  await testWorker(t, engine)
  const ended = await allEnded(engine)
  const neighbours = ended.filter((i) => good.includes(i.name))
  t.ok(
    neighbours.every((i) => i.state === 'confirmed' && i.attempts === 1),
    'the neighbours are confirmed, at their first attempt',
  )
  const doubted = await engine.sql`
    select i.name
    from foreword.attempt a
    join foreword.intent i on i.id = a.intent_id
    where a.outcome = 'in_doubt' and i.name like 'good-%'`
  t.same(doubted, [], 'and none of them was ever in doubt')
  return { engine, ended: ended.filter((i) => bad.includes(i.name)) }
}

const answering =
  (answers: Readonly<Record<string, (call: Call) => Outcome>>) =>
  (call: Call): Promise<Outcome> => {
    const answer = answers[call.name]
    // Not async: an answer that throws does so before any promise is there.
    return answer === undefined
      ? Promise.resolve(applied(call.spec as Json))
      : Promise.resolve(answer(call))
  }

t.test('an answer whose outputs or id cannot be kept parks its intent, and says why', async (t) => {
  const of = (outputs: unknown) => (call: Call) =>
    applied(call.spec as Json, { outputs: outputs as never })
  const circle: { self?: unknown } = {}
  circle.self = circle
  const answers = {
    circle: of(circle),
    half: of({ list: ['fine', '\ud800'] }),
    huge: of({ blob: 'x'.repeat(10_000_000) }),
    id: (call: Call) => applied(call.spec as Json, { external_id: 'vm\0 1' }),
    nan: of({ load: Number.NaN }),
    nul: of({ address: '192.0.2.1\0' }),
    whole: of({ count: 1n }),
  }
  const bad = Object.keys(answers)
  const { engine, ended } = await among(t, bad, { create: answering(answers) })
  const why: Readonly<Record<string, RegExp>> = {
    circle: /nested deeper than 100/,
    half: /outputs: list\[1\] holds half a character/,
    huge: /10000011 characters long, more than 1048576/,
    id: /the id of what it made: the whole holds NUL/,
    nan: /outputs: load is NaN/,
    nul: /outputs: address holds NUL/,
    whole: /outputs: count is a bigint, and no JSON/,
  }
  for (const { name, state, reason } of ended) {
    t.equal(state, 'in_doubt', name)
    t.match(reason, why[name])
    t.match(reason, /^done, but what the API answered cannot be kept: /)
  }
  const doubts = await engine.sql`select from foreword.doubt where waits_for_a_person`
  t.equal(doubts.length, bad.length, 'all of them wait for a person')
})

t.test(
  'what people only look at is kept as far as it can be, and the intent ends well',
  async (t) => {
    const of = (state: unknown) => () => applied(state as Json)
    const answers = {
      half: of({ size: 1, note: '\udc00' }),
      huge: of({ size: 1, blob: 'x'.repeat(10_000_000) }),
      nul: of({ size: 1, note: 'a\0b' }),
    }
    const { engine, ended } = await among(t, Object.keys(answers), { create: answering(answers) })
    t.same(
      ended.map((i) => i.state),
      ['confirmed', 'confirmed', 'confirmed'],
    )
    t.match(
      await engine.sql`
      select i.name, a.response
      from foreword.attempt a
      join foreword.intent i on i.id = a.intent_id
      where i.name not like 'good-%'
      order by i.name`,
      [
        { name: 'half', response: { not_kept: 'note holds half a character (a lone surrogate)' } },
        { name: 'huge', response: { not_kept: /^it is 10000020 characters long/ } },
        { name: 'nul', response: { not_kept: 'note holds NUL' } },
      ],
    )
  },
)

t.test('a look that shows what cannot be kept confirms, and says what was left out', async (t) => {
  const { ended } = await among(t, ['odd'], {
    traits: { sightings: 1 },
    read: (name) =>
      Promise.resolve({
        state: { size: 1 },
        ...(name === 'odd' ? { outputs: { address: '\0' } } : {}),
      }),
  })
  t.match(ended, [{ state: 'confirmed', reason: /outputs: address holds NUL/ }])
})

t.test('what the database refuses is found in its batch, and parked alone', async (t) => {
  const { ended } = await among(
    t,
    ['odd'],
    {
      create: (call) =>
        Promise.resolve(applied(call.spec as Json, { external_id: `id of ${call.name}` })),
    },
    // Nothing that JSON and Postgres both take is refused today: somebody's own constraint is.
    (engine) => engine.sql`
      alter table foreword_private.observation
      add constraint nothing_odd check (external_id <> 'id of odd')`,
  )
  t.match(ended, [
    { state: 'in_doubt', reason: /^what came of it cannot be written: .*nothing_odd/ },
  ])
})

const throwing = (thrown: unknown) => (): never => {
  throw thrown
}

t.test('a provider that breaks leaves its own intent in doubt', async (t) => {
  const answers = {
    bug: throwing(new TypeError('x is not a function')),
    cut: throwing(new Error(`${'x'.repeat(499)}😀`)),
    nothing: () => undefined as never,
    nul: throwing(new Error('it said \0')),
    textless: throwing(Object.create(null)),
    odd: () => rejected({ not: 'a text' } as never),
    typo: () => ({ type: 'aplied', state: {} }) as never,
  }
  const { ended } = await among(t, Object.keys(answers), { create: answering(answers) })
  t.match(ended, [
    { name: 'bug', state: 'in_doubt', reason: 'x is not a function' },
    { name: 'cut', state: 'in_doubt', reason: /^x{499}\ufffd$/ },
    { name: 'nothing', state: 'in_doubt', reason: /undefined/ },
    { name: 'nul', state: 'in_doubt', reason: 'it said \ufffd' },
    { name: 'odd', state: 'rejected', reason: '[object Object]' },
    { name: 'textless', state: 'in_doubt', reason: 'something was thrown that has no text' },
    {
      name: 'typo',
      state: 'in_doubt',
      reason: 'the provider answered with an object of no known type, and no outcome',
    },
  ])
})

t.test(
  'a wait that nobody can wait for is none, or as long as a timer; the intent goes on',
  async (t) => {
    const waits: Readonly<Record<string, unknown>> = {
      endless: Number.POSITIVE_INFINITY,
      negative: -1e20,
      nothing: Number.NaN,
      text: 'soon',
    }
    const asked = new Set<string>()
    const { engine } = await among(t, Object.keys(waits), {
      create: ({ name, spec }) => {
        const wait = asked.has(name) ? undefined : waits[name]
        asked.add(name)
        return Promise.resolve(
          wait === undefined
            ? applied(spec as Json)
            : rejected('later', { retry_after_ms: wait as number }),
        )
      },
    })
    const ended = await engine.sql`
    select state, attempts from foreword.intent where name = any (${Object.keys(waits)})`
    t.strictSame(
      [...new Set(ended.map((i) => `${i['state']} at ${i['attempts']}`))],
      ['confirmed at 2'],
    )
  },
)

t.test('a wait of ages wakes nobody before, and is not in doubt', async (t) => {
  const { engine } = await testEngine(t, {
    providers: [
      thingProvider({
        create: () => Promise.resolve(rejected('much later', { retry_after_ms: 1e20 })),
      }),
    ],
  })
  await engine.decide(say, { scope, input: { names: ['a'] } })
  await testWorker(t, engine)
  const [later] = await eventually('answered', async () => {
    const all = await intents(engine)
    return all.every((i) => i.state === 'pending' && i.attempts === 1) ? all : null
  })
  const days = ((later?.due_at?.getTime() ?? 0) - Date.now()) / 86_400_000
  t.ok(days > 24 && days < 25, `due in ${days} days`)
})

t.test('a provider that throws at once leaves no timer behind that ends the process', async (t) => {
  const traits = { call_timeout_ms: 200 }
  const create = throwing(new Error('a bug'))
  const { engine } = await testEngine(t, { providers: [thingProvider({ traits, create })] })
  await engine.decide(say, { scope, input: { names: ['a'] } })
  await testWorker(t, engine)
  t.match(await allEnded(engine), [{ state: 'in_doubt', reason: 'a bug' }])
  // By a rejection that nobody catches, when the call would have timed out.
  await pause(2 * traits.call_timeout_ms)
  const alive = await engine.sql`select from foreword.worker where alive`
  t.equal(alive.length, 1)
})

t.test('a spec that its codec does not take any more is rejected, and never sent', async (t) => {
  let sent = 0
  const { engine } = await testEngine(t, { providers: [thingProvider()] })
  await engine.decide(say, { scope, input: { names: ['a'] } })
  const later = thingProvider({
    spec: io.strict({ weight: io.number }) as never,
    create: (call) => {
      sent += 1
      return Promise.resolve(applied(call.spec as Json))
    },
  })
  ;(engine.providers as Map<string, unknown>).set('thing', later)
  await testWorker(t, engine)
  const ended = await allEnded(engine)
  t.match(ended, [{ state: 'rejected', reason: /weight/ }])
  t.equal(sent, 0)
})

t.test('a codec that throws leaves its intent pending, with the reason', async (t) => {
  const throwing = new io.Type<unknown, Json>(
    'throwing',
    (_u): _u is unknown => true,
    () => {
      throw new Error('a bug')
    },
    () => null,
  )
  const { engine } = await testEngine(t, { providers: [thingProvider()] })
  await engine.decide(say, { scope, input: { names: ['a'] } })
  ;(engine.providers as Map<string, unknown>).set('thing', thingProvider({ spec: throwing }))
  await testWorker(t, engine)
  await eventually('tried twice', async () => {
    const [intent] = await intents(engine)
    return (intent?.attempts ?? 0) >= 2
  })
  await eventually('told', async () => {
    const [intent] = await intents(engine)
    return /codec of its spec throws/.test(intent?.reason ?? '')
  })
})

t.test('a look of a reconcile that cannot be kept has failed, and the others count', async (t) => {
  const { engine } = await among(t, ['odd'], {
    read: (name) =>
      Promise.resolve({ state: { size: 1 }, outputs: { note: name === 'odd' ? '\0' : 'fine' } }),
  })
  const done = await engine.reconcile({ scope })
  t.match(done, { looked: good.length, failed: 1, drifted: [] })
})
