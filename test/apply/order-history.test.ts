/**
 * The law of order, of whole histories: deciders that read and replace each other's resources at random, two workers,
 * calls that take their time and some that are refused. Checked is what the outside has seen: no call began before
 * all was through that its decision relied on, and none that replaced what others had read before those were.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { create, defineDecider, remove, update } from '../../src/domain/decider.ts'
import { applied, rejected, type Call, type Outcome } from '../../src/domain/provider.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { testDatabase } from '../support/database.ts'
import { allSettled, engineOn, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { testConfig } from '../support/settings.ts'

t.setTimeout(240_000)

const scope = 'acme'
const names = Array.from({ length: 16 }, (_, i) => `vm-${i}`)

/** Numbers below 1 by seed: the same schedule as far as the machine lets it be the same. */
const dice = (seed: number) => (): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

const some = (roll: () => number, count: number): readonly string[] =>
  names.toSorted(() => roll() - 0.5).slice(0, count)

const meddle = defineDecider({
  name: 'meddle',
  version: 1,
  read: (q, input: { readonly reads: readonly string[]; readonly writes: readonly string[] }) => ({
    read: q.getAll('vm', input.reads),
    written: q.getAll('vm', input.writes),
  }),
  decide: ({ written }, input) =>
    input.writes.map((name, i) => {
      const vm = written[i] ?? null
      if (vm === null) return create('vm', name, { size: 0 })
      const { size } = vm.state as { readonly size: number }
      return size > 2 ? remove('vm', name) : update('vm', name, { size: size + 1 })
    }),
})

t.test('random histories are carried out in a serial order', async (t) => {
  const { url, sql } = await testDatabase(t)
  const roll = dice(7)
  const call = async (_call: Call): Promise<Outcome> => {
    await sleep(roll() * 10)
    return roll() < 0.02 ? rejected('refused') : applied(null)
  }
  const provider = { ...gate('vm').provider, create: call, update: call, delete: call }
  const engines = [0, 1].map(() => engineOn(t, url, testConfig(url, { providers: [provider] })))
  for (const engine of engines) await testWorker(t, engine)
  await Promise.all(
    Array.from({ length: 8 }, async (_, decider) => {
      const engine = engines[decider % 2]
      for (let i = 0; i < 25; i++) {
        const input = { reads: some(roll, 2), writes: some(roll, 1 + Math.floor(roll() * 2)) }
        await engine?.decide(meddle, { scope, input })
        // Else what is refused takes all that was decided since along.
        await eventually(
          'little is open',
          async () => {
            const open = await sql`select from foreword.intent where settled_at is null limit 12`
            return open.length !== 12
          },
          { deadline_ms: 60_000 },
        )
      }
    }),
  )
  const [first] = engines
  if (first === undefined) return
  const intents = await allSettled(first, 120_000)
  const ended = Object.groupBy(intents, (i) => i.state)
  t.comment(
    Object.entries(ended)
      .map(([state, of]) => `${of?.length ?? 0} ${state}`)
      .join(', '),
  )
  const [row] = await first.sql<{ relied: number; wr: number; rw: number; read: number }[]>`
    with began as (
      select e.id, e.decision, e.resource, e.version, e.settled_at, min(a.started_at) as at
      from foreword_private.entry e
      left join foreword_private.attempt a on a.entry = e.id
      where e.cause = 'intent'
      group by e.resource, e.version
    ),
    relied as (
      select b.id, b.at < w.settled_at as too_early
      from began b
      join foreword_private.decision d on d.id = b.decision
      cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
      join began w on w.resource = p.resource and w.version = p.version and w.decision <> d.id
      where b.at is not null
    ),
    replaced as (
      select c.id, c.at < b.settled_at as too_early
      from began b
      join foreword_private.decision d on d.id = b.decision
      cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
      join began c on c.resource = p.resource and c.version > p.version and c.decision <> d.id
      where c.at is not null and b.at is not null
    )
    select
      (select count(*)::integer from relied) as relied,
      (select count(*)::integer from relied where too_early) as wr,
      (select count(*)::integer from replaced) as read,
      (select count(*)::integer from replaced where too_early) as rw`
  t.comment(`${row?.relied ?? 0} wr, ${row?.read ?? 0} rw`)
  t.ok((row?.relied ?? 0) > 100 && (row?.read ?? 0) > 100, 'they were in each other’s way')
  t.equal(row?.wr, 0, 'nothing before what it relied on')
  t.equal(row?.rw, 0, 'nothing replaced before its readers were through')
  const { checks } = await audit(auditStore(first.sql))
  t.same(
    checks.filter((check) => check.violated > 0),
    [],
  )
})
