/** An API that is away while intents pile up, and comes back: what it is then sent, counted by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, notSent, type Traits } from '../../src/domain/provider.ts'
import { openEngine, type Engine } from '../../src/foreword.ts'
import { eventually } from './eventually.ts'
import { testConfig } from './settings.ts'
import { thingProvider } from './thing-provider.ts'

export interface OutageOptions {
  readonly url: string
  readonly intents: number
  readonly rate: NonNullable<Traits['rate']>
  /** The outage lasts until so many probes have been in vain … */
  readonly outage_probes: number
  /** … and at least so long. */
  readonly outage_ms?: number
  readonly workers: number
}

export interface Drained {
  readonly confirmed: number
  readonly outage_calls: number
  /** Calls after the outage, before the first of them was answered. */
  readonly first_wave: number
  readonly drain_s: number
  /** Calls in the busiest second of the drain. */
  readonly most_per_second: number
  /** Above 0: at some moment there had been more calls than the bucket can have had. */
  readonly ahead_max: number
  readonly calls_of_busiest_intent: number
}

const decisions_at_once = 250

const pileUp = defineDecider({
  name: 'pile-up',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: { readonly from: number; readonly count: number }) =>
    Array.from({ length: input.count }, (_, i) =>
      create('thing', `t-${input.from + i}`, { size: 1 }),
    ),
})

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** The API: refuses connections while it is away. */
const createStub = () => {
  const at: number[] = []
  const calls = new Map<string, number>()
  const state = { away: true, calls_at_first_answer: 0 }
  return {
    at,
    calls,
    state,
    call: async (name: string): Promise<void> => {
      at.push(performance.now())
      calls.set(name, (calls.get(name) ?? 0) + 1)
      await sleep(2)
      if (state.away) throw notSent('connection refused')
      if (state.calls_at_first_answer === 0) state.calls_at_first_answer = at.length
    },
  }
}

const busiestSecond = (at: readonly number[]): number => {
  let most = 0
  let from = 0
  for (const [i, when] of at.entries()) {
    while ((at[from] ?? 0) <= when - 1_000) from += 1
    most = Math.max(most, i - from + 1)
  }
  return most
}

const decideAll = async (engine: Engine, intents: number): Promise<void> => {
  for (let from = 0; from < intents; from += decisions_at_once) {
    const count = Math.min(decisions_at_once, intents - from)
    const { type } = await engine.decide(pileUp, { scope: 'acme', input: { from, count } })
    if (type !== 'decided') throw new Error(`not decided: ${type}`)
  }
}

export const drainAfterOutage = async (options: OutageOptions): Promise<Drained> => {
  const { url, intents, rate } = options
  const stub = createStub()
  const provider = thingProvider({
    traits: { rate, idempotency: 'natural', concurrency: 64 },
    create: async (call) => {
      await stub.call(call.name)
      return applied(call.spec as Json)
    },
  })
  const engines = Array.from({ length: options.workers }, () =>
    openEngine({
      url,
      config: testConfig(url, { providers: [provider] }),
      secrets: String,
      logger: silent,
      version: 'test',
    }),
  )
  const [engine] = engines
  if (engine === undefined) throw new Error('no worker')
  const from = performance.now()
  const workers = await Promise.all(
    engines.map((one) =>
      one.startWorker((reason) => {
        throw new Error(`the worker died: ${reason}`)
      }),
    ),
  )
  try {
    await decideAll(engine, intents)
    await eventually('the outage is found out', () => stub.at.length > 0 || null)
    await sleep(options.outage_ms ?? 0)
    await eventually(
      'probes in vain',
      async () => {
        const [row] = await engine.sql<{ interval_ms: number }[]>`
          select interval_ms from foreword_private.budget where opened_at is not null`
        return (row?.interval_ms ?? 0) >= 1_000 * 2 ** options.outage_probes || null
      },
      { deadline_ms: 120_000 },
    )
    const outage_calls = stub.at.length
    stub.state.away = false
    const back = performance.now()
    const confirmed = await eventually(
      'all confirmed',
      async () => {
        const [row] = await engine.sql<{ open: number; confirmed: number }[]>`
          select
            count(*) filter (where settled_at is null)::integer as open,
            count(*) filter (where state = 'confirmed')::integer as confirmed
          from foreword_private.entry`
        return row?.open === 0 ? row : null
      },
      { deadline_ms: 60_000 + (2_000 * intents) / rate.per_second },
    )
    const ended = performance.now()
    return {
      confirmed: confirmed.confirmed,
      outage_calls,
      first_wave: stub.state.calls_at_first_answer - outage_calls,
      drain_s: (ended - back) / 1_000,
      most_per_second: busiestSecond(stub.at.filter((when) => when >= back)),
      ahead_max: Math.max(
        ...chunks(
          stub.at.map((when, i) => i + 1 - rate.burst - ((when - from) / 1_000) * rate.per_second),
        ),
      ),
      calls_of_busiest_intent: Math.max(...chunks([...stub.calls.values()])),
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
    await Promise.all(engines.map((one) => one.close()))
  }
}

/** The largest of each thousand: Math.max takes no hundred thousand arguments. */
const chunks = (numbers: readonly number[]): readonly number[] =>
  Array.from({ length: Math.ceil(numbers.length / 1_000) }, (_, i) =>
    Math.max(...numbers.slice(i * 1_000, (i + 1) * 1_000)),
  )
