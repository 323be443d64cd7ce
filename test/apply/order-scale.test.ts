/**
 * The law: what waits costs nothing while it waits. Counted in rows and index entries that the server went
 * through, at two sizes: work that grows with the square of what is open would show as five times as much.
 */
import t, { type Test } from 'tap'
import { defaultLimits } from '../../src/domain/config.ts'
import {
  create,
  defineDecider,
  remove,
  type IntentDraft,
  type Queries,
} from '../../src/domain/decider.ts'
import { openEngine, type Engine } from '../../src/foreword.ts'
import type { Sql } from '../../src/store/connect.ts'
import { testDatabase } from '../support/database.ts'
import { allSettled } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const silent = () => undefined
const quiet = {
  secrets: String,
  logger: { info: silent, warn: silent, error: silent },
  version: 'test',
}

type Decide = (drafts: readonly IntentDraft[], ...reads: readonly string[]) => Promise<unknown>

const vm = (name: string, needs: readonly string[] = []) =>
  create('vm', name, { size: 's' }, { needs })

const tables = ['entry', 'decision', 'premise', 'yielding']

/** Rows and index entries of the log that were read or written so far. Sessions tell when they end. */
const work = async (sql: Sql): Promise<number> => {
  const [row] = await sql<{ rows: number }[]>`
    select
      sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0) + s.n_tup_ins + s.n_tup_upd)::integer
        + (select sum(i.idx_tup_read)::integer from pg_stat_user_indexes i where i.relname = any (${tables}))
        as rows
    from pg_stat_user_tables s
    where s.relname = any (${tables})`
  return row?.rows ?? 0
}

/** The work of carrying out what `decideAll` decides, all of it open when the worker comes. */
const drained = async (t: Test, decideAll: (decide: Decide) => Promise<void>): Promise<number> => {
  const { url, sql } = await testDatabase(t)
  const cloud = gate('vm', { concurrency: 50 })
  cloud.open()
  const config = testConfig(url, {
    providers: [cloud.provider],
    // The sweep's own looks come with the time, not with the work.
    limits: { ...defaultLimits, sweep_interval_ms: 10_000 },
  })
  const during = async (run: (engine: Engine) => Promise<unknown>): Promise<number> => {
    const engine = openEngine({ ...quiet, url, config })
    await run(engine)
    await engine.close()
    return work(sql)
  }
  let decided = 0
  const before = await during((engine) =>
    decideAll((drafts, ...reads) => {
      decided += drafts.length
      const read = (q: Queries) => ({ vms: q.getAll('vm', reads) })
      const decider = defineDecider({ name: 'test', version: 1, read, decide: () => drafts })
      return engine.decide(decider, { scope, input: undefined })
    }),
  )
  const after = await during(async (engine) => {
    const worker = await engine.startWorker((reason) => {
      t.fail(reason)
    })
    // Not by asking the log, whose open part would be counted with each question.
    await eventually('all calls made', () => cloud.begun().length === decided, {
      deadline_ms: 120_000,
    })
    // The same of what is still to be settled: one that is open says enough.
    await eventually('all settled', async () => {
      const open = await engine.sql`
        select from foreword_private.entry where settled_at is null order by resource, version limit 1`
      return open.length === 0
    })
    const intents = await allSettled(engine)
    t.ok(intents.every((i) => i.state === 'confirmed'))
    await worker.stop()
  })
  return after - before
}

const few = 100
const many = 1_000

/**
 * A tenth more than in proportion, and what passing over rows costs that somebody's snapshot keeps from being
 * forgotten for a while. The square of `many` is a million, and half of that the least that a queue searched from
 * its beginning each time would show.
 */
const growsLinearly = async (
  t: Test,
  decideAll: (n: number) => (decide: Decide) => Promise<void>,
): Promise<void> => {
  const little = await drained(t, decideAll(few))
  const much = await drained(t, decideAll(many))
  t.ok(little > few, `${little} rows for ${few}`)
  t.ok(much < (1.1 * many * little) / few + 300_000, `${much} rows for ${many}`)
}

t.test('a chain of 1,000 decisions, each relying on the one before', (t) =>
  growsLinearly(t, (n) => async (decide) => {
    for (let i = 0; i < n; i++) await decide([vm(`vm-${i}`)], `vm-${i - 1}`)
  }),
)

t.test('1,000 decisions that rely on one, and one that takes away what they relied on', (t) =>
  growsLinearly(t, (n) => async (decide) => {
    await decide([vm('root')])
    const all = Array.from({ length: n }, (_, i) => decide([vm(`vm-${i}`)], 'root'))
    await Promise.all(all)
    await decide([remove('vm', 'root')], 'root')
  }),
)

t.test('1,000 intents of one decision, each needing the one before', (t) =>
  growsLinearly(t, (n) => async (decide) => {
    await decide(
      Array.from({ length: n }, (_, i) => vm(`vm-${i}`, i === 0 ? [] : [`vm/vm-${i - 1}`])),
    )
  }),
)

t.test('1,000 intents that one needs, and that need one', (t) =>
  growsLinearly(t, (n) => async (decide) => {
    const names = Array.from({ length: n - 2 }, (_, i) => `vm-${i}`)
    await decide([
      vm('first'),
      ...names.map((name) => vm(name, ['vm/first'])),
      vm(
        'last',
        names.map((name) => `vm/${name}`),
      ),
    ])
  }),
)
