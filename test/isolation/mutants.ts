/**
 * Wrong turns, each of which the suite must notice. They are in the actors and in a copy of the
 * database, never in src: what a decision would be if one of its precautions were missing.
 */
import type { ReadPlan } from '../../src/domain/ports.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import { codeOf, type Reserved, type Sql } from '../../src/store/connect.ts'
import { prepareSlots, readFlight, rollback, sendCommit } from '../../src/store/flights.ts'
import { writtenNames } from '../../src/store/record-text.ts'
import { productPath, type Path } from './actors.ts'

export interface Mutant {
  readonly name: string
  /** What is missing. */
  readonly without: string
  readonly path: Path
  /** Changes the copy of the database that it runs on. */
  readonly database?: (sql: Sql) => Promise<void>
  readonly settings?: Readonly<Record<string, string>>
  /** Each of these specs notices it. */
  readonly killed_by: readonly string[]
  /** How: somebody committed what he must not, or aborted for nothing. */
  readonly shows: 'anomaly' | 'false abort'
  /** Whether it is one on this server: a hole of Postgres that it leans on may be closed. */
  readonly lives?: (sql: Sql) => Promise<boolean>
}

/** A connection on which some statements are said in other words. */
const saying = (tx: Reserved, wrong: (text: string) => string): Reserved =>
  new Proxy(tx, {
    apply: (target, self, args: [TemplateStringsArray, ...unknown[]]) => {
      const [strings] = args
      const text = Array.isArray(strings) ? strings.join('?').trim() : ''
      const instead = wrong(text)
      return instead === text
        ? (Reflect.apply(target, self, args) as unknown)
        : target.unsafe(instead)
    },
    get: (target, key, self) =>
      key === 'unsafe'
        ? (text: string) => target.unsafe(wrong(text))
        : (Reflect.get(target, key, self) as unknown),
  })

/** BEGIN at a weaker level, whatever is asked for. */
const beginning =
  (level: string) =>
  (tx: Reserved): Reserved =>
    saying(tx, (text) =>
      text.replace(/^begin isolation level serializable/, `begin isolation level ${level}`),
    )

/** The guards against weaker levels, taken down: triggers, and the check in the function that records. */
const unguarded = async (sql: Sql): Promise<void> => {
  const tables = await sql<{ name: string }[]>`
    select distinct tgrelid::regclass::text as name
    from pg_trigger
    where not tgisinternal and tgname in ('writes_are_serializable', 'inserts_are_slots')`
  for (const { name } of tables) await sql.unsafe(`alter table ${name} disable trigger user`)
  const functions = await sql<{ text: string }[]>`
    select pg_get_functiondef(p.oid) as text
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'foreword_code' and p.prosrc like '%transaction_isolation%'`
  for (const { text } of functions) {
    const open = text.replace(
      /if current_setting\('transaction_isolation'\)[^\n]*then/,
      'if false then',
    )
    if (open === text) throw new Error('a guard was not found')
    await sql.unsafe(open)
  }
}

const atLevel = (level: string): Path => ({
  ...productPath,
  read: (tx, plan, slots, options) => readFlight(beginning(level)(tx), plan, slots, options),
})

const readsOutside: Path = {
  ...productPath,
  read: async (tx, plan, slots, options) => {
    const readings = await readFlight(tx, plan, slots, options)
    await sendCommit(tx)
    await tx`begin isolation level serializable`
    return readings
  },
}

/** Rows and predicates in the transaction, counters before it. */
const countersOutside: Path = {
  ...productPath,
  read: async (tx, plan, slots, options) => {
    const { counters } = await readFlight(tx, { ...plan, resources: [], finds: [] }, slots, options)
    await sendCommit(tx)
    const readings = await readFlight(tx, { ...plan, counters: [] }, slots, options)
    return { ...readings, counters }
  },
}

/** The values come from before the transaction; inside, ON CONFLICT finds out that the rows are there. */
const onConflictAsRead: Path = {
  ...productPath,
  read: async (tx, plan, slots, options) => {
    const readings = await readFlight(tx, plan, slots, options)
    await sendCommit(tx)
    await tx`begin isolation level serializable`
    const ids = plan.resources.map((r) => resourceId(r.scope, r.kind, r.name))
    await tx`
      insert into foreword_private.resource_state (resource)
      select r from unnest(${ids}::uuid[]) as r
      on conflict (resource) do nothing`
    return readings
  },
}

/** Two sessions, raw: does a write skew by ON CONFLICT DO NOTHING commit here? */
const onConflictIsBlind = async (sql: Sql): Promise<boolean> => {
  await sql`create table if not exists on_conflict_probe (key integer primary key, value integer)`
  await sql`insert into on_conflict_probe values (1, 0), (2, 0)`
  const [one, two] = [await sql.reserve(), await sql.reserve()]
  try {
    for (const [tx, reads] of [
      [one, 1],
      [two, 2],
    ] as const) {
      await tx`begin isolation level serializable`
      await tx`insert into on_conflict_probe values (${reads}, 9) on conflict do nothing`
    }
    await one`update on_conflict_probe set value = 1 where key = 2`
    await two`update on_conflict_probe set value = 1 where key = 1`
    await one`commit`
    await two`commit`
    return true
  } catch (error) {
    if (codeOf(error) !== '40001') throw error
    return false
  } finally {
    for (const tx of [one, two]) {
      await rollback(tx)
      tx.release()
    }
  }
}

/** Slots are made by whoever needs one, in the midst of the decision. */
const slotsInside: Path = {
  ...productPath,
  read: (tx, plan, slots, options) =>
    readFlight(
      saying(tx, (text) =>
        text.replace(/select foreword_code\.prepare\(.*?\); commit/s, 'select 1; commit'),
      ),
      plan,
      slots,
      options,
    ),
  write: async (tx, write) => {
    await prepareSlots(tx, writtenNames(write.plan))
    await productPath.write(tx, write)
  },
}

const beginAgain = async (tx: Reserved): Promise<void> => {
  await rollback(tx)
  await tx`begin isolation level serializable`
}

/** Tries again what was decided, instead of deciding again. */
const staleRetry: Path = {
  ...productPath,
  afterFailure: async (tx, write) => {
    await beginAgain(tx)
    await productPath.write(tx, write)
  },
}

/** Says COMMIT to a failed transaction, and takes the answer for one. */
const uncheckedCommit: Path = {
  ...productPath,
  afterFailure: () => Promise.resolve(),
  commit: async (tx) => {
    await tx`commit`
  },
}

const uncommittedRefusals: Path = {
  ...productPath,
  commit: async (tx, write) => {
    if (write === null) await rollback(tx)
    else await sendCommit(tx)
  },
}

const previewsAtWeakerLevel: Path = {
  ...productPath,
  read: (tx, plan, slots, options) =>
    readFlight(options.read_only ? beginning('repeatable read')(tx) : tx, plan, slots, options),
}

/** What `member` should hold of these resources, written when all is over. */
const syncMembers = async (tx: Reserved, plan: ReadPlan): Promise<void> => {
  const ids = plan.resources.map((r) => resourceId(r.scope, r.kind, r.name))
  await tx`begin isolation level serializable`
  await tx`delete from foreword_private.member where resource = any (${ids}::uuid[])`
  await tx`
    insert into foreword_private.member (key, scope, kind, label, value, resource, name)
    select
      foreword_code.member_key(r.scope, r.kind, l.label, l.value),
      r.scope, r.kind, l.label, l.value, r.id, r.name
    from foreword_private.resource_state s
    join foreword_private.resource r on r.id = s.resource
    cross join lateral (
      select '' as label, '' as value
      union all
      select key, value from jsonb_each_text(s.labels)
    ) l
    where s.resource = any (${ids}::uuid[]) and s.assumed is not null`
  await sendCommit(tx)
}

const lateMembers: Path = {
  ...productPath,
  commit: async (tx, write) => {
    await sendCommit(tx)
    if (write !== null) await syncMembers(tx, writtenNames(write.plan))
  },
}

const withoutMembers = async (sql: Sql): Promise<void> => {
  await sql`
    create or replace function foreword_code.move_members(p_changes jsonb) returns void
    language sql as 'select'`
}

const freePlanner = async (sql: Sql): Promise<void> => {
  const functions = await sql<{ name: string }[]>`
    select p.oid::regprocedure::text as name
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'foreword_code' and p.proconfig::text like '%enable_seqscan%'`
  for (const { name } of functions) await sql.unsafe(`alter function ${name} reset enable_seqscan`)
}

/** Nothing tracks what is read: what Postgres would be if its SERIALIZABLE had nothing but holes. */
export const withoutSsi = {
  path: atLevel('repeatable read'),
  database: unguarded,
} as const

export const mutants: readonly Mutant[] = [
  {
    name: 'READ COMMITTED',
    without: 'one snapshot for all reads and the write',
    path: atLevel('read committed'),
    database: unguarded,
    killed_by: ['P4', 'simple-write-skew', 'G2'],
    shows: 'anomaly',
  },
  {
    name: 'REPEATABLE READ',
    without: 'the tracking of what was read',
    ...withoutSsi,
    killed_by: ['simple-write-skew', 'read-only-anomaly-2', 'classroom-scheduling', 'total-cash'],
    shows: 'anomaly',
  },
  {
    name: 'reads outside of the transaction',
    without: 'premises that the transaction itself has read',
    path: readsOutside,
    killed_by: ['simple-write-skew', 'G2-item', 'project-manager'],
    shows: 'anomaly',
  },
  {
    name: 'counters outside of the transaction',
    without: 'counters among the premises',
    path: countersOutside,
    killed_by: ['a counter as a premise'],
    shows: 'anomaly',
  },
  {
    name: 'ON CONFLICT as the read',
    without: 'a SELECT of what is relied on',
    path: onConflictAsRead,
    killed_by: ['simple-write-skew', 'G2-item', 'G1c'],
    shows: 'anomaly',
    lives: onConflictIsBlind,
  },
  {
    name: 'slots inside of the decision',
    without: 'slots of new names made beforehand',
    path: slotsInside,
    killed_by: ['creators'],
    shows: 'false abort',
  },
  {
    name: 'members after COMMIT',
    without: 'creators who write what a find has read',
    path: lateMembers,
    database: withoutMembers,
    killed_by: ['G2', 'predicate-gin-nomatch, match'],
    shows: 'anomaly',
  },
  {
    name: 'the same decision again',
    without: 'fresh reads for a second try',
    path: staleRetry,
    killed_by: ['P4', 'simple-write-skew', 'total-cash'],
    shows: 'anomaly',
  },
  {
    name: 'COMMIT unchecked',
    without: 'a look at what COMMIT has answered',
    path: uncheckedCommit,
    killed_by: ['P4', 'G2-item'],
    shows: 'anomaly',
  },
  {
    name: 'refusals rolled back',
    without: 'the COMMIT of those who wrote nothing',
    path: uncommittedRefusals,
    killed_by: ['receipt-report, by a refusal', 'read-only-anomaly-2'],
    shows: 'anomaly',
  },
  {
    name: 'previews at REPEATABLE READ',
    without: 'readers that are tracked too',
    path: previewsAtWeakerLevel,
    killed_by: ['receipt-report, by a preview', 'two-ids, by a preview'],
    shows: 'anomaly',
  },
  {
    name: 'sequential scans',
    without: 'plans that are driven by an index',
    path: productPath,
    database: freePlanner,
    settings: { enable_seqscan: 'on', enable_indexscan: 'off' },
    killed_by: ['rows'],
    shows: 'false abort',
  },
]

/** Precautions that this suite cannot miss, and why. */
export const not_here: readonly (readonly [what: string, why: string])[] = [
  [
    'the key of `entry` dropped',
    'at SERIALIZABLE two writers of one version meet in `resource_state` first; the key is for a database that was edited',
  ],
  ['the tombstone not first', 'COMMIT is never lost here; test/crash cuts it'],
]
