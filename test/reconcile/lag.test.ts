/**
 * Replicas that lag, and looks while others write. The cloud lags by 300 ms where a real one may by 30 s: the
 * law is about what comes before what, and every time in it is scaled alike. FOREWORD_LAG_MS=30000 for the real
 * 30 s, which take some minutes.
 */
import t, { type Test } from 'tap'
import { create, remove, update, type IntentDraft } from '../../src/domain/decider.ts'
import type { AnyProvider } from '../../src/domain/provider.ts'
import type { ReconcileStore } from '../../src/domain/reconcile-ports.ts'
import type { Engine } from '../../src/foreword.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import { allSettled, cloudWorld, engineOn, testWorker } from '../support/engine.ts'
import { say } from '../support/scripted-provider.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'
const lag_ms = Number(process.env['FOREWORD_LAG_MS'] ?? 300)
/** It is looked at over so many times the lag at least, and each resource may be written to in each of them. */
const lags_min = 10
const writes_per_lag = 20
const deadline_ms = 30_000 + 5 * lag_ms
const traits = { settle_ms: lag_ms + 30, sightings: 1, call_timeout_ms: 10_000 }

const name = (n: number): string => `vm-${String(n).padStart(5, '0')}`

const decide = async (engine: Engine, drafts: readonly IntentDraft[]): Promise<void> => {
  const result = await engine.decide(say, { scope, input: { drafts } })
  if (result.type !== 'decided') throw new Error(JSON.stringify(result))
}

/** Updates, creates and deletes until it is told to end. */
const churn = (engine: Engine, population: number) => {
  const there = Array.from({ length: population }, (_, n) => n)
  let next = population
  let ended = false
  const writes = { created: 0, updated: 0, deleted: 0 }
  const one = async (turn: number): Promise<void> => {
    const at = (turn * 7_919) % there.length
    if (turn % 5 === 0) {
      there.push(next)
      await decide(engine, [create('vm', name(next++), { size: 's' })])
      writes.created += 1
    } else if (turn % 5 === 1) {
      const [gone] = there.splice(at, 1)
      await decide(engine, [remove('vm', name(gone ?? 0))])
      writes.deleted += 1
    } else {
      const size = ['s', 'm', 'l'][turn % 3] ?? 's'
      await decide(engine, [update('vm', name(there[at] ?? 0), { size })])
      writes.updated += 1
    }
  }
  const run = async (): Promise<void> => {
    for (let turn = 0; !ended; turn++) {
      await one(turn)
      await new Promise((resolve) => setTimeout(resolve, lag_ms / writes_per_lag))
    }
  }
  const running = run()
  return {
    writes,
    end: async (): Promise<void> => {
      ended = true
      await running
    },
  }
}

const laggingWorld = async (t: Test, population: number) => {
  const world = await cloudWorld(t, { faults: { lag_ms, replicas: 3 }, traits })
  await testWorker(t, world.engine)
  const all = Array.from({ length: population }, (_, n) => create('vm', name(n), { size: 's' }))
  await decide(world.engine, all)
  await allSettled(world.engine, deadline_ms)
  return world
}

const withoutList = (provider: AnyProvider): AnyProvider =>
  Object.fromEntries(
    Object.entries(provider).filter(([member]) => member !== 'list'),
  ) as unknown as AnyProvider

interface Believed {
  readonly drifts: number
  readonly deletes: number
}

const believedIn = async (engine: Engine): Promise<Believed> => {
  const [row] = await engine.sql<Believed[]>`
    select
      (select count(*) from foreword.drift_history) as drifts,
      (
        select count(*)
        from foreword_private.entry e
        where e.cause = 'observation' and e.assumed is null
      ) as deletes`
  if (row === undefined) throw new Error('no row')
  return row
}

t.test(
  'in 10,000 observations of lagging replicas, while all is written to, nothing drifts and nothing goes',
  async (t) => {
    t.setTimeout(120_000 + 30 * lag_ms)
    const { engine, url, providers } = await laggingWorld(t, 250)
    const reader = engineOn(t, url, testConfig(url, { providers: providers.map(withoutList) }))
    const churning = churn(engine, 250)
    const began = performance.now()
    let looked = 0
    let skipped = 0
    const elapsed_ms = (): number => performance.now() - began
    for (let run = 0; looked < 10_000 || elapsed_ms() < lags_min * lag_ms; run++) {
      const done = await (run % 6 === 0 ? reader : engine).reconcile({ scope })
      looked += done.looked
      skipped += done.skipped
      t.same([done.drifted, done.failed], [[], 0])
    }
    const took_s = elapsed_ms() / 1_000
    await churning.end()
    await allSettled(engine, deadline_ms)
    const { created, updated, deleted } = churning.writes
    t.ok(created > 10 && updated > 10 && deleted > 10, 'it was written to all the while')
    t.same(await believedIn(engine), { drifts: 0, deletes: 0 })
    t.comment(
      `${looked} observations of replicas ${lag_ms} ms behind, 0 false drifts, 0 false deletes, ` +
        `in ${took_s.toFixed(1)} s; ` +
        `${created} created, ${updated} updated, ${deleted} deleted meanwhile; ${skipped} looks void`,
    )
  },
)

t.test('without the settle window it would see drift that is not there', async (t) => {
  t.setTimeout(120_000 + 30 * lag_ms)
  const { engine } = await laggingWorld(t, 30)
  const { store, providers } = engine.reconcileDeps
  const hasty: ReconcileStore = {
    ...store,
    watched: (filter) => store.watched({ ...filter, settle_ms: 0 }),
  }
  const readers = new Map([...providers].map(([kind, p]) => [kind, withoutList(p)]))
  const run = reconcile({ ...engine.reconcileDeps, store: hasty, providers: readers })
  const churning = churn(engine, 30)
  let looked = 0
  let false_drifts = 0
  while (looked < 10_000 && false_drifts === 0) {
    const done = await run({ scope })
    looked += done.looked
    false_drifts += done.drifted.length
  }
  await churning.end()
  t.ok(false_drifts > 0, `found after ${looked} observations`)
  t.comment(`the mutant believed ${false_drifts} false drifts within ${looked} observations`)
})
