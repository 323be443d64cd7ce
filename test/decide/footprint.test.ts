/**
 * Lock footprints. What a decider reads is what it can be in conflict about: Postgres remembers it as
 * SIReadLocks on tuples, pages or, at worst, whole relations. A relation-level lock is a conflict with
 * everybody who writes to that table, so no plan, size, version or missing statistics may bring one.
 *
 * The statements are the ones that deciders send (src/store/flights.ts), on a session with their
 * settings, looked at from a second session between the write and its COMMIT. Leaf pages of an index
 * are gap locks: a reader of a name meets whoever inserts a key into its leaf, and no decision does.
 */
import * as E from 'fp-ts/lib/Either.js'
import t, { type Test } from 'tap'
import { changesOf } from '../../src/decide/changes.ts'
import { planOf } from '../../src/decide/plan.ts'
import { queries, type IntentDraft } from '../../src/domain/decider.ts'
import type { Change, Readings, WritePlan } from '../../src/domain/ports.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import { decider_settings } from '../../src/store/decider-settings.ts'
import { connectSql, type Reserved, type Sql } from '../../src/store/connect.ts'
import {
  readFlight,
  rollback,
  sendCommit,
  sendWrites,
  type Slots,
} from '../../src/store/flights.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { onEachServer } from '../support/each-server.ts'
import { footprintOf } from '../support/footprint.ts'
import { analyze, growWorld, seedWorld } from '../support/seed-world.ts'
import { noServer, serverVersions, type ServerVersion } from '../support/servers.ts'
import { cases, r, scope, sizes, state, takesIn, type Case, type Size } from './footprint-cases.ts'

t.setTimeout(300_000)

/** A process that remembers no slots: each transaction finds out by itself what was never named. */
const slots: Slots = { unseen: () => null, made: () => undefined }

interface World {
  readonly sql: Sql
  readonly tx: Reserved
  readonly pid: number
}

const changes = (drafts: readonly IntentDraft[]): readonly Change[] => {
  const checked = changesOf(drafts, scope, { providers: new Map(), policies: [] })
  if (E.isLeft(checked)) throw new Error(checked.left.reason)
  return checked.right
}

const writePlan = (drafts: readonly IntentDraft[], acted: WritePlan['acted']): WritePlan => ({
  head: {
    scope,
    decider: 'footprint',
    decider_version: 1,
    actor: 'test',
    reason: '',
    input: null,
    tries: 1,
    saw_at: new Date().toISOString(),
  },
  premises: [],
  predicates: [],
  counters: [],
  cause: 'intent',
  changes: changes(drafts),
  acted,
})

/** A name is made known by whoever reads it; a decision that only writes it has had it made known before. */
const makeKnown = async ({ tx }: World, plans: readonly WritePlan[]): Promise<void> => {
  const written = plans.flatMap((plan) => plan.changes)
  const metrics = written.flatMap((c) => Object.keys(c.counters ?? {}))
  const counters = metrics.map((metric) => ({ scope, metric }))
  await readFlight(tx, { resources: written, counters, finds: [] }, slots)
  await rollback(tx)
}

/** Names already given in this world: the same ones on each server, since where they fall decides about leaves. */
const named = new Map<Sql, number>()

const freshName = ({ sql }: World): string => {
  const count = (named.get(sql) ?? 0) + 1
  named.set(sql, count)
  return `fresh-${count}`
}

const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`

/** What is read and written is told too, so that nothing is measured that did not happen. */
const didOf = (it: Case, { states, finds, counters }: Readings, entries: number): string => {
  const rows = states.size + finds.flat().length + counters.length
  return [
    ...(it.read === undefined ? [] : [counted(rows, 'row', 'rows')]),
    ...(it.write === undefined ? [] : [counted(entries, 'entry', 'entries')]),
  ].join(', ')
}

/** Reads and writes as a decider would, looks, and leaves everything as it was. */
const measure = async (
  world: World,
  it: Case,
  end: (tx: Reserved) => Promise<unknown> = rollback,
): Promise<string> => {
  const { sql, tx, pid } = world
  const fresh = freshName(world)
  const plans = (it.write?.(fresh) ?? []).map((drafts) => writePlan(drafts, it.acted ?? []))
  if (plans.length > 0) await makeKnown(world, plans)
  // Without anybody who could write, a read-only transaction is safe at once and locks nothing.
  const writer = it.preview === true ? await sql.reserve() : undefined
  await writer?.unsafe('begin isolation level serializable; select from foreword_private.worker')
  try {
    const plan = planOf(it.read?.(queries, fresh) ?? {}, scope)
    const options = { held: it.held === true, read_only: it.preview === true }
    const readings = await readFlight(tx, plan, slots, options)
    const writes = plans.map((write) => ({ id: crypto.randomUUID(), plan: write }))
    const entries = writes.length === 0 ? [] : await sendWrites(tx, writes)
    return `${didOf(it, readings, entries.length)}: ${await footprintOf(sql, pid)}`
  } finally {
    await end(tx)
    await writer?.unsafe('rollback')
    writer?.release()
  }
}

/** A session of a decider; a new one for each state of statistics, so that no plan is an old one. */
const inWorld = async <A>(
  { url, sql }: TestDatabase,
  settings: Readonly<Record<string, string>>,
  work: (world: World) => Promise<A>,
): Promise<A> => {
  const pool = connectSql({
    url,
    application_name: 'foreword:test',
    max: 1,
    // This test looks around between two statements, perhaps on a busy machine.
    connection: { ...settings, idle_in_transaction_session_timeout: '60000' },
  })
  try {
    const tx = await pool.reserve()
    const [session] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
    const done = await work({ sql, tx, pid: session?.pid ?? 0 })
    tx.release()
    return done
  } finally {
    await pool.end({ timeout: 5 })
  }
}

const states = ['never analysed', 'analysed'] as const
type State = (typeof states)[number]

interface Cell {
  readonly name: string
  readonly size: Size
  readonly where: string
  readonly taken: string
}

const cells: Cell[] = []

/** Cases for this world: those that crowd it come last, when the numbers of the others have been taken. */
const casesIn = (size: Size, now: State): readonly Case[] => {
  const possible = cases.filter((it) => takesIn(it, size) !== undefined)
  const crowding = size === 0 || now === 'analysed' ? possible.filter((it) => it.crowds) : []
  return [...possible.filter((it) => it.crowds !== true), ...crowding]
}

const checkAll = async (
  t: Test,
  world: World,
  at: { readonly server: ServerVersion; readonly size: Size; readonly now: State },
): Promise<void> => {
  for (const it of casesIn(at.size, at.now)) {
    const taken = await measure(world, it)
    const takes = takesIn(it, at.size) ?? ''
    if (typeof takes === 'string') t.equal(taken, takes, it.name)
    else t.match(taken, takes, it.name)
    cells.push({ name: it.name, size: at.size, where: `${at.server} ${at.now}`, taken })
  }
}

onEachServer(
  t,
  'no read takes more than its rows and the leaves that lead to them',
  async (t, server) => {
    for (const size of sizes) {
      await t.test(`of ${size.toLocaleString('en')} rows`, async (t) => {
        const database = await testDatabase(t, { server })
        await seedWorld(database.sql, size)
        for (const now of states) {
          if (now === 'analysed') await analyze(database.sql)
          await inWorld(database, decider_settings, (world) =>
            checkAll(t, world, { server, size, now }),
          )
        }
      })
    }
  },
)

/**
 * A session keeps its plans until somebody analyses the table: what it learnt in a small world, it does
 * in the large one that this has become.
 */
onEachServer(t, 'sessions that outlive a small world lock no relations', async (t, server) => {
  for (const size of [1, 10]) {
    for (const now of states) {
      await t.test(`of ${size} rows, ${now}`, async (t) => {
        const database = await testDatabase(t, { server })
        await seedWorld(database.sql, size)
        if (now === 'analysed') await analyze(database.sql)
        const small = casesIn(10, 'never analysed')
        await inWorld(database, decider_settings, async (world) => {
          for (const it of small) await measure(world, it)
          await growWorld(database.sql, 10_000)
          for (const it of small) {
            t.notMatch(await measure(world, it), /RELATION/, it.name)
          }
        })
      })
    }
  }
})

onEachServer(t, 'what was looked at is what commits', async (t, server) => {
  const database = await testDatabase(t, { server })
  await seedWorld(database.sql, 10)
  const whole = cases.find((it) => it.name === 'a whole decision')
  if (whole === undefined) throw new Error('there is no such case')
  await inWorld(database, decider_settings, (world) => measure(world, whole, sendCommit))
  t.same(
    await database.sql`
      select version, assumed
      from foreword_private.resource_state
      where resource = ${resourceId(scope, ...r(0))}`,
    [{ version: 2, assumed: state }],
  )
})

/**
 * The one exception. An index without any page has nothing smaller to lock than itself. A decision
 * makes slots, and reads them; a preview makes nothing, so on a database on which nobody has decided
 * yet it holds the empty index. It writes nothing, and the first decision ends that for good.
 */
onEachServer(
  t,
  'a preview on an unused database locks indexes that are empty',
  async (t, server) => {
    const database = await testDatabase(t, { server })
    await inWorld(database, decider_settings, async (world) => {
      const preview = (read: Case['read']): Promise<string> =>
        measure(world, { name: 'preview', preview: true, takes: '', ...(read && { read }) })
      t.equal(
        await preview((q) => ({ it: q.get('vm', 'r0') })),
        '0 rows: resource_state_pkey RELATION',
      )
      t.equal(await preview((q) => ({ it: q.counter('cores') })), '1 row: quota_pkey RELATION')
      t.equal(await preview((q) => ({ it: q.find('vm') })), '0 rows: member_pkey 1 page')
    })
  },
)

/** A test that looks for locks must be able to see them. */
onEachServer(t, 'where plans are left to the planner, relations are locked', async (t, server) => {
  const database = await testDatabase(t, { server })
  await seedWorld(database.sql, 10)
  await analyze(database.sql)
  await database.sql`
    do $$
    declare
      each regprocedure;
    begin
      for each in
        select oid
        from pg_proc
        where pronamespace = 'foreword_code'::regnamespace and proconfig is not null
      loop
        execute format('alter function %s reset all', each);
      end loop;
    end
    $$`
  const get = cases.find((it) => it.name === 'get')
  if (get === undefined) throw new Error('there is no such case')
  await inWorld(database, {}, async (world) => {
    t.equal(await measure(world, get), '1 row: resource_state RELATION')
  })
})

/** `10,000 rows`, where it was the same on each server and in each state; else which of them. */
const placesOf = (same: readonly Cell[], all: readonly Cell[]): string =>
  sizes
    .flatMap((size) => {
      const here = same.filter((cell) => cell.size === size)
      if (here.length === 0) return []
      const everywhere = here.length === all.filter((cell) => cell.size === size).length
      const which = everywhere ? '' : ` (${here.map((cell) => cell.where).join(', ')})`
      return [`${size.toLocaleString('en')} rows${which}`]
    })
    .join('; ')

t.test('the footprints, to be read in the log', async (t) => {
  for (const { name } of cases) {
    const all = cells.filter((cell) => cell.name === name)
    for (const [taken, same] of Map.groupBy(all, (cell) => cell.taken)) {
      t.comment(`${name}, in ${placesOf(same, all)}: ${taken}`)
    }
  }
  t.ok(cells.length > 0 || serverVersions.every(noServer))
})
