/**
 * False aborts. 16 callers decide at the same time, each on resources, names, labels and a counter of
 * its own that no other caller reads or writes. Whatever aborts here has therefore aborted for nothing:
 * "false" is not estimated but true by construction. Told is the fraction of aborted tries among all
 * tries, each decision in a transaction of its own.
 *
 * The floor is the same work in SERIALIZABLE transactions on a layout that nobody thought about: one
 * table with a serial key, its labels in jsonb, an index on updated_at, count(*) for a quota, the
 * planner left alone. It says how many would abort for nothing without thought.
 */
import { defaultLimits } from '../src/domain/config.ts'
import { conflict_sqlstates } from '../src/domain/retry-policy.ts'
import type { Engine } from '../src/foreword.ts'
import { codeOf, connectSql, type Reserved, type Sql } from '../src/store/connect.ts'
import {
  callers,
  cellsOf,
  decide,
  nextJob,
  scope,
  verbFor,
  workloads,
  type Job,
  type Workload,
} from './conflict-jobs.ts'
import { benchServer, seedResources, type BenchDatabase, type BenchServer } from './database.ts'
import {
  abortedFraction,
  compared,
  interleaved,
  progress,
  type BenchLine,
  type Tries,
} from './rounds.ts'

interface Size {
  readonly label: string
  readonly count: number
  /** False: as everything is at first, the planner has no statistics. No plan may depend on them. */
  readonly analyzed: boolean
}

const sizes: readonly Size[] = [
  { label: '100', count: 100, analyzed: false },
  { label: '10k', count: 10_000, analyzed: true },
  { label: '10k young', count: 10_000, analyzed: false },
  { label: '1M', count: 1_000_000, analyzed: true },
]

/** One decision of ours, with as many tries as it took. */
const decided = async (engine: Engine, workload: Workload, job: Job): Promise<Tries> => {
  const result = await decide[workload](engine, job)
  if (result.type === 'gave_up') return { tries: result.tries, aborted: result.tries }
  if (result.type === 'decided') return { tries: result.tries, aborted: result.tries - 1 }
  throw new Error(`${workload} was not decided: ${JSON.stringify(result)}`)
}

const makeNaive = async (sql: Sql, { count, analyzed }: Size): Promise<void> => {
  await sql`
    create table naive (
      id bigserial primary key,
      kind text not null,
      name text not null,
      state jsonb not null,
      labels jsonb not null,
      version bigint not null default 1,
      updated_at timestamptz not null default clock_timestamp()
    )`
  await sql`create table naive_intent (id bigserial primary key, name text not null, body jsonb not null)`
  await sql`
    insert into naive (kind, name, state, labels)
    select
      'vm',
      'r' || i,
      '{"size":"s"}',
      jsonb_build_object('metric', 'm' || i % ${callers}::integer, 'cell', (i % ${cellsOf(count)}::integer)::text)
    from generate_series(0, ${count - 1}::integer) as i`
  await sql`alter table naive add unique (kind, name)`
  await sql`create index on naive (updated_at)`
  if (analyzed) await sql`vacuum analyze naive`
  await sql`checkpoint`
}

const naiveRead = async (tx: Reserved, name: string): Promise<void> => {
  await tx`select * from naive where kind = 'vm' and name = ${name}`
}
const naiveCreate = async (tx: Reserved, name: string, labels: object): Promise<void> => {
  await tx`
    insert into naive (kind, name, state, labels)
    values ('vm', ${name}, '{"size":"s"}', ${JSON.stringify(labels)}::text::jsonb)`
}
const naiveUpdate = async (tx: Reserved, name: string, labels: object): Promise<void> => {
  await tx`
    update naive
    set
      state = '{"size":"m"}',
      labels = labels || ${JSON.stringify(labels)}::text::jsonb,
      version = version + 1,
      updated_at = clock_timestamp()
    where kind = 'vm' and name = ${name}`
}

/** What each workload does between BEGIN and COMMIT, statement by statement; returns what it changed. */
const naiveWork: Readonly<Record<Workload, (tx: Reserved, job: Job) => Promise<string>>> = {
  point: async (tx, { names }) => {
    for (const name of names) await naiveRead(tx, name)
    await naiveUpdate(tx, names[0], {})
    return names[0]
  },
  absence: async (tx, { absent }) => {
    for (const name of absent) await naiveRead(tx, name)
    await naiveCreate(tx, absent[0], {})
    return absent[0]
  },
  quota: async (tx, { metric, odd, names, absent }) => {
    await tx`select count(*) from naive where kind = 'vm' and labels ->> 'metric' = ${metric}`
    if (odd) await naiveUpdate(tx, names[0], {})
    else await naiveCreate(tx, absent[0], { metric })
    return odd ? names[0] : absent[0]
  },
  find: async (tx, { cell, other_cell, absent, dice }) => {
    const found = await tx<{ name: string }[]>`
      select * from naive where kind = 'vm' and labels ->> 'cell' = ${cell}`
    const name = found[dice % found.length]?.name ?? absent[0]
    const verb = verbFor(found.length, dice)
    if (verb === 'create') await naiveCreate(tx, absent[0], { cell })
    else if (verb === 'relabel') await naiveUpdate(tx, name, { cell: other_cell })
    else await tx`delete from naive where kind = 'vm' and name = ${name}`
    return verb === 'create' ? absent[0] : name
  },
}

/** One try of the floor's. What aborts is not tried again: the next job is one like it. */
const naivelyTried = async (sql: Sql, workload: Workload, job: Job): Promise<Tries> => {
  const tx = await sql.reserve()
  try {
    await tx`begin isolation level serializable`
    const name = await naiveWork[workload](tx, job)
    await tx`insert into naive_intent (name, body) values (${name}, '{"size":"m"}')`
    await tx`commit`
    return { tries: 1, aborted: 0 }
  } catch (error) {
    if (!conflict_sqlstates.has(codeOf(error))) throw error
    await tx`rollback`
    return { tries: 1, aborted: 1 }
  } finally {
    tx.release()
  }
}

/** A database with both layouts, seeded alike. */
interface Ground {
  readonly engine: Engine
  readonly naive: Sql
  readonly close: () => Promise<void>
}

const openGround = async (database: BenchDatabase, size: Size): Promise<Ground> => {
  const { count, analyzed } = size
  await seedResources(database.sql, {
    scope,
    kind: 'vm',
    count,
    owners: callers,
    cells: cellsOf(count),
    analyzed,
  })
  await makeNaive(database.sql, size)
  // The server's settings suit us: what the planner has by default is put back. Its room for locks stays.
  const connection = { random_page_cost: '4' }
  const application_name = 'foreword:floor'
  const naive = connectSql({ url: database.url, application_name, max: callers, connection })
  const limits = { ...defaultLimits, pool_connections_max: callers, group_decisions_max: 1 }
  return {
    naive,
    engine: database.engine({ limits }),
    close: async () => {
      await naive.end({ timeout: 5 })
      await database.close()
    },
  }
}

/** Aborted tries among all tries, of either side, on one ground. */
const ours = (ground: Ground, workload: Workload, count: number, ms: number): Promise<number> =>
  abortedFraction(callers, ms, (c) => decided(ground.engine, workload, nextJob(c, count)))
const floor = (ground: Ground, workload: Workload, count: number, ms: number): Promise<number> =>
  abortedFraction(callers, ms, (c) => naivelyTried(ground.naive, workload, nextJob(c, count)))

interface Grounds {
  readonly next: () => Promise<Ground>
  readonly close: () => Promise<void>
}

/**
 * Creators make a small database a large one within seconds, so below a million each round has one of
 * its own, as small and as young as its case says, on which either side runs once.
 */
const groundsOf = (server: BenchServer, size: Size): Grounds => {
  const runs_max = size.count < 1_000_000 ? 2 : Infinity
  let ground: Ground | null = null
  let runs = 0
  const close = async (): Promise<void> => {
    await ground?.close()
    ground = null
    runs = 0
  }
  return {
    next: async () => {
      if (runs >= runs_max) await close()
      runs += 1
      return (ground ??= await openGround(await server.database(), size))
    },
    close,
  }
}

const benchSize = async (
  server: BenchServer,
  size: Size,
  options: { readonly rounds: number; readonly duration_ms: number; readonly only: string },
): Promise<readonly BenchLine[]> => {
  const grounds = groundsOf(server, size)
  const lines: BenchLine[] = []
  for (const workload of workloads) {
    const name = `${workload} ${size.label}`
    if (!name.includes(options.only)) continue
    const run = (side: typeof ours) => async (ms: number) =>
      side(await grounds.next(), workload, size.count, ms)
    const measured = await interleaved(
      [
        { name: 'ours', run: run(ours) },
        { name: 'floor', run: run(floor) },
      ],
      options,
    )
    const [mine = [], naive = []] = ['ours', 'floor'].map((side) => measured.get(side) ?? [])
    progress(`conflict ${name}`, { ours: mine, floor: naive })
    lines.push(compared('conflict', name, mine, naive, 'fraction of tries'))
  }
  await grounds.close()
  return lines
}

export const benchConflict = async (
  rounds: number,
  duration_ms: number,
  only: string,
): Promise<readonly BenchLine[]> => {
  const server = await benchServer()
  try {
    const lines: BenchLine[] = []
    for (const size of sizes) {
      lines.push(...(await benchSize(server, size, { rounds, duration_ms, only })))
    }
    return lines
  } finally {
    await server.close()
  }
}
