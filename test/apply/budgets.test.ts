/** Budgets of accounts: shared by all workers, and what an API that fails or throttles is spared. */
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { BudgetNote } from '../../src/domain/budget-ports.ts'
import type { Json } from '../../src/domain/json.ts'
import {
  applied,
  rejected,
  Throttled,
  type AnyProvider,
  type Call,
  type Outcome,
} from '../../src/domain/provider.ts'
import { createBudgets } from '../../src/apply/budgets.ts'
import type { Engine } from '../../src/foreword.ts'
import { allSettled, engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { testConfig } from '../support/settings.ts'
import { thingProvider, type Things } from '../support/thing-provider.ts'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly from: number; readonly count: number; kind?: string }) =>
    Array.from({ length: input.count }, (_, i) =>
      create(input.kind ?? 'thing', `t-${input.from + i}`, { size: 1 }),
    ),
})

const decideMany = async (engine: Engine, scope: string, count: number): Promise<void> => {
  for (let from = 0; from < count; from += 100) {
    await engine.decide(say, { scope, input: { from, count: Math.min(100, count - from) } })
  }
}

const done = (call: Call): Outcome => applied(call.spec as Json)

interface Counted {
  readonly provider: AnyProvider
  /** When each call or look came. */
  readonly at: number[]
  readonly open: () => number
}

/** Counts every call and look, and answers as it is told. */
const counted = (
  things: Things & { readonly answer?: (call: Call, nth: number) => Outcome | Error },
): Counted => {
  const at: number[] = []
  let open = 0
  const through = async <A>(run: () => A): Promise<A> => {
    at.push(performance.now())
    open += 1
    try {
      // An answer takes a while, as over a wire.
      await new Promise((resolve) => setTimeout(resolve, 2))
      return run()
    } finally {
      open -= 1
    }
  }
  const { answer = done, ...rest } = things
  const provider = thingProvider({
    ...rest,
    create: (call) => {
      const nth = at.length
      return through(() => {
        const said = answer(call, nth)
        if (said instanceof Error) throw said
        return said
      })
    },
    ...(rest.read === undefined
      ? {}
      : { read: (name) => through(() => null).then(() => rest.read?.(name) ?? null) }),
    ...(rest.find === undefined
      ? {}
      : { find: (call) => through(() => null).then(() => rest.find?.(call) ?? null) }),
  })
  return { provider, at, open: () => open }
}

const engineWith = async (
  t: Test,
  ...providers: readonly AnyProvider[]
): Promise<{ readonly engine: Engine; readonly url: string }> => testEngine(t, { providers })

t.test('two workers and their looks share one bucket, filled by the clock alone', async (t) => {
  const rate = { per_second: 150, burst: 20 }
  const { provider, at } = counted({
    traits: { rate, sightings: 1 },
    read: () => Promise.resolve({ state: { size: 1 } }),
  })
  const { engine, url } = await engineWith(t, provider)
  await decideMany(engine, 'acme', 100)
  const other = engineOn(t, url, testConfig(url, { providers: [provider] }))
  const from = performance.now()
  await testWorker(t, engine)
  await testWorker(t, other)
  await allSettled(engine)
  // A look that a busy machine was too slow for is made again.
  t.ok(at.length >= 200, '100 calls and 100 looks')
  const ahead = at.map(
    (when, i) => i + 1 - (rate.burst + ((when - from) / 1_000) * rate.per_second),
  )
  t.ok(Math.max(...ahead) <= 0, `at no moment more than the bucket had: ${Math.max(...ahead)}`)
  t.match(await engine.sql`select account, kinds, scope, per_second, burst from foreword.budget`, [
    { account: 'thing', kinds: ['thing'], scope: null, ...rate },
  ])
})

t.test('a reconcile takes its looks from the same bucket', async (t) => {
  const rate = { per_second: 50, burst: 5 }
  const { provider, at } = counted({
    traits: { rate },
    read: () => Promise.resolve({ state: { size: 1 } }),
  })
  const { engine } = await engineWith(t, provider)
  await decideMany(engine, 'acme', 10)
  const from = performance.now()
  await testWorker(t, engine)
  await allSettled(engine)
  t.match(await engine.reconcile({ scope: 'acme' }), { looked: 10, failed: 0 })
  t.equal(at.length, 20)
  const ahead = at.map(
    (when, i) => i + 1 - (rate.burst + ((when - from) / 1_000) * rate.per_second),
  )
  t.ok(Math.max(...ahead) <= 0, `at no moment more than the bucket had: ${Math.max(...ahead)}`)
})

t.test('Retry-After pauses the account, not only the intent, and the views say so', async (t) => {
  const retry_after_ms = 1_000
  let asked_at = 0
  const { provider, at } = counted({
    traits: { concurrency: 1 },
    answer: (call, nth) => {
      if (nth !== 0) return done(call)
      asked_at = performance.now()
      return rejected('429', { retry_after_ms, throttled: true })
    },
  })
  const { engine } = await engineWith(t, provider)
  await decideMany(engine, 'acme', 5)
  await testWorker(t, engine)
  const held = await eventually('throttled', async () => {
    const rows = await engine.sql<{ reason: string | null }[]>`
      select reason from foreword.intent where state = 'pending' and reason ~ 'left alone'`
    return rows.length > 0 ? rows : null
  })
  t.match(held[0]?.reason, /account thing: it asks to be left alone until /)
  t.match(await engine.sql`select health, reason from foreword.budget`, [
    { health: 'throttled', reason: '429' },
  ])
  await allSettled(engine)
  t.equal(at.length, 6)
  t.ok((at[1] ?? 0) - asked_at >= retry_after_ms, 'nobody called meanwhile')
})

t.test(
  'what calls say is known when a process has ended, and nothing is told after that',
  async (t) => {
    const told: BudgetNote[] = []
    const warned: string[] = []
    const budgets = createBudgets({
      providers: [],
      store: {
        note: (notes) => {
          told.push(...notes)
          return Promise.resolve([])
        },
        wait: () => Promise.resolve(null),
        take: () => Promise.resolve(null),
      },
      logger: {
        info: () => undefined,
        warn: (_fields, message) => warned.push(message),
        error: () => undefined,
      },
    })
    const provider = thingProvider()
    budgets.tell(provider, { scope: 'acme', whose: 'acme/a', said: 'well' })
    t.same(told, [], 'good answers are told now and then')
    await budgets.stop()
    t.match(told, [{ well: 1, failed: 0 }])
    budgets.tell(provider, { scope: 'acme', whose: 'acme/b', said: 'failed' })
    await budgets.flush()
    t.equal(told.length, 1)
    t.same(warned, [])
  },
)

t.test('an account names each of its kinds once', async (t) => {
  const { engine } = await testEngine(t)
  const note = { account: 'a', scope: null, throttled_ms: 1, strained: false, broken: false }
  for (const kinds of [['vm'], ['vm', 'ip'], ['ip', 'dns']]) {
    const notes = [{ ...note, kinds, failed: 0, well: 0, why: null }]
    await engine.sql`select foreword_code.note_answers(${engine.sql.json(notes)})`
  }
  t.same(await engine.sql`select kinds from foreword.budget`, [{ kinds: ['dns', 'ip', 'vm'] }])
})

t.test('a look that is throttled pauses the account too', async (t) => {
  let looks = 0
  let asked_at = 0
  const { provider, at } = counted({
    traits: { sightings: 1, concurrency: 1 },
    read: () => {
      looks += 1
      if (looks > 1) return Promise.resolve({ state: { size: 1 } })
      asked_at = performance.now()
      return Promise.reject(new Throttled('503, Retry-After: 1', 1_000))
    },
  })
  const { engine } = await engineWith(t, provider)
  await decideMany(engine, 'acme', 3)
  await testWorker(t, engine)
  await allSettled(engine)
  const next = at.find((when) => when > asked_at) ?? 0
  t.ok(next - asked_at >= 1_000)
})

t.test('a storm opens the circuit: few calls, then one, then as many as go well', async (t) => {
  let storm = true
  let calls_before = 0
  let called_before_an_answer = -1
  const world: Counted = counted({
    traits: { idempotency: 'natural', concurrency: 16 },
    answer: (call) => {
      if (storm) return new Error('500 out of order')
      if (called_before_an_answer < 0) called_before_an_answer = world.at.length - calls_before
      return done(call)
    },
  })
  const { engine } = await engineWith(t, world.provider)
  const intents = 100
  await decideMany(engine, 'acme', intents)
  await testWorker(t, engine)
  const open = await eventually('the third probe', async () => {
    const rows = await engine.sql<{ until: Date; opened_at: Date }[]>`
      select * from foreword.budget where health = 'open' and until > opened_at + interval '3 s'`
    return rows[0]
  })
  t.match(open, { account: 'thing', reason: '500 out of order' })
  const [waiting] = await engine.sql<{ reason: string }[]>`
    select reason from foreword.intent where due_at < now() and attempts = 0 limit 1`
  t.match(waiting?.reason, /account thing: its calls fail \(500 out of order\), one is tried at /)
  t.match(await engine.sql`select unwell_accounts from foreword.health`, [{ unwell_accounts: 1 }])
  t.comment(`${world.at.length} calls for ${intents} intents in the storm`)
  t.ok(world.at.length <= 1.2 * intents, `${world.at.length} calls in the storm`)
  calls_before = world.at.length
  storm = false
  t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
  t.ok(called_before_an_answer <= 1, 'nobody but the probe called before it was answered')
  t.same(await engine.sql`select health, reason from foreword.budget`, [
    { health: 'well', reason: null },
  ])
})

for (const idempotency of ['natural', 'lookup'] as const) {
  t.test(
    `half of all calls fail, ${idempotency}: retries are a tenth of them and a trickle`,
    async (t) => {
      let storm = true
      let firsts = 0
      const seen = new Set<string>()
      const fails = (): boolean => storm && Math.random() < 0.5
      const world: Counted = counted({
        traits: { idempotency, concurrency: 32 },
        answer: (call) => {
          if (!seen.has(call.name)) firsts += 1
          seen.add(call.name)
          return fails() ? new Error('502') : done(call)
        },
        find: () => (fails() ? Promise.reject(new Error('502')) : Promise.resolve(null)),
      })
      const { engine } = await engineWith(t, world.provider)
      const intents = 400
      await decideMany(engine, 'acme', intents)
      const from = performance.now()
      await testWorker(t, engine)
      let all_at = Infinity
      // Until all were called for, and as long again as retries would need that nobody holds back.
      await eventually(
        'all called for',
        () => {
          if (firsts === intents) all_at = Math.min(all_at, performance.now())
          return performance.now() > all_at + 2_000
        },
        { deadline_ms: 120_000 },
      )
      const [calls, begun] = [world.at.length, firsts]
      const elapsed_s = (performance.now() - from) / 1_000
      t.comment(`${calls} calls for ${begun} intents in ${elapsed_s.toFixed(1)} s`)
      // Before the strain is seen as many may be made again as are under way.
      t.ok(calls <= 1.1 * begun + 5 * elapsed_s + 2 * 32, `${calls} calls for ${begun} intents`)
      storm = false
      t.ok((await allSettled(engine, 60_000)).every((i) => i.state === 'confirmed'))
    },
  )
}

t.test('one intent that always fails is its own fault, and strains nobody', async (t) => {
  let failures = 0
  const { provider } = counted({
    traits: { idempotency: 'natural' },
    answer: (call) => {
      if (call.name !== 't-0') return done(call)
      failures += 1
      return new Error('500 for this one')
    },
  })
  const { engine } = await engineWith(t, provider)
  await decideMany(engine, 'acme', 1)
  await testWorker(t, engine)
  await eventually('it has failed often', () => failures >= 4)
  await engine.decide(say, { scope: 'acme', input: { from: 1, count: 20 } })
  await eventually('the others are confirmed', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return rows.length === 20
  })
  t.same(await engine.sql`select from foreword.budget where health <> 'well'`, [])
})

t.test('an account that is throttled delays no other: other scope, other kind', async (t) => {
  const called: string[] = []
  const answer = (call: Call): Outcome => {
    called.push(call.scope)
    return call.scope === 'busy'
      ? rejected('429', { retry_after_ms: 3_600_000, throttled: true })
      : done(call)
  }
  const traits = { account: 'api/{scope}', concurrency: 8 }
  const { provider } = counted({ traits, answer })
  const { provider: another } = counted({ kind: 'another', answer: done })
  const { engine } = await engineWith(t, provider, another)
  const [busy, calm] = [500, 40]
  await decideMany(engine, 'busy', busy)
  await testWorker(t, engine)
  await eventually('throttled', async () => {
    const rows = await engine.sql`select from foreword.budget where health = 'throttled'`
    return rows.length === 1
  })
  await decideMany(engine, 'calm', calm)
  await engine.decide(say, { scope: 'busy', input: { from: 0, count: 5, kind: 'another' } })
  await eventually('all others confirmed', async () => {
    const rows = await engine.sql`select from foreword.intent where state = 'confirmed'`
    return rows.length === calm + 5
  })
  t.ok(called.filter((scope) => scope === 'busy').length <= 8, 'no more than were under way')
  t.match(await engine.sql`select account, scope, health from foreword.budget order by account`, [
    { account: 'api/busy', scope: 'busy', health: 'throttled' },
  ])
})

t.test(
  'what calls nobody goes on while the account waits, whatever is due before it',
  async (t) => {
    const { provider } = counted({
      traits: { concurrency: 2 },
      answer: (_call, nth) =>
        nth === 0
          ? rejected('no')
          : rejected('429', { retry_after_ms: 3_600_000, throttled: true }),
    })
    const { engine } = await engineWith(t, provider)
    await decideMany(engine, 'acme', 100)
    await testWorker(t, engine)
    await eventually('the rejected one is taken back', async () => {
      const rows = await engine.sql`
      select from foreword.intent where state = 'rejected' and settled_at is not null`
      return rows.length === 1
    })
    t.match(await engine.sql`select health from foreword.budget`, [{ health: 'throttled' }])
  },
)
