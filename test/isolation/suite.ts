/** Runs a spec in all its orders, each in a scope of its own, and has every one judged. */
import * as E from 'fp-ts/lib/Either.js'
import { changesOf } from '../../src/decide/changes.ts'
import { planOf } from '../../src/decide/plan.ts'
import { newDecisionId } from '../../src/domain/decision-id.ts'
import { queries, type IntentDraft, type Reads } from '../../src/domain/decider.ts'
import type { ReadPlan, WritePlan } from '../../src/domain/ports.ts'
import type { Sql } from '../../src/store/connect.ts'
import { prepareSlots, sendCommit, sendWrites } from '../../src/store/flights.ts'
import { writtenNames, type Write } from '../../src/store/record-text.ts'
import { anomalyIn, initialWorld, mustAbort, permutations, type Ended } from './oracle.ts'
import {
  interleavings,
  isSerial,
  perform,
  unlike,
  type Performance,
  type Player,
} from './schedule.ts'
import type { Session, Sessions } from './sessions.ts'
import { stepsOf, type Actor, type Spec } from './spec.ts'
import { consumedIn, draftsOn, factsIn, worldAfter, type Held, type World } from './world.ts'

export interface Cast {
  readonly name: string
  /** `known`: the actor's process has named before what it writes. */
  readonly play: (session: Session, actor: Actor, scope: string, known: boolean) => Player<Ended>
  /** Which names have slots beforehand: of all that is read or written, of what somebody writes unread, none. */
  readonly prepared: 'all' | 'unread' | 'none'
  /** Its first steps take locks, so their order matters. */
  readonly locks: boolean
}

export interface Run {
  readonly scope: string
  readonly order: readonly number[]
  readonly ended: readonly Ended[]
  readonly anomaly: string | null
  /** Not everybody could have committed. */
  readonly must_abort: boolean
}

export interface Report {
  readonly spec: Spec
  readonly runs: readonly Run[]
  /** Orders that `runs` stands for. */
  readonly orders: number
  /** Steps that had to wait for another actor. */
  readonly blocked: number
}

const setupOf = (drafts: readonly IntentDraft[], scope: string): WritePlan => {
  const changes = changesOf(drafts, scope, { providers: new Map(), policies: [] })
  if (E.isLeft(changes)) throw new Error(changes.left.reason)
  return {
    head: {
      scope,
      decider: 'setup',
      decider_version: 1,
      actor: '',
      reason: '',
      input: null,
      tries: 1,
      saw_at: new Date().toISOString(),
    },
    premises: [],
    predicates: [],
    counters: [],
    cause: 'intent',
    changes: changes.right,
    acted: [],
  }
}

/**
 * What some actor reads or writes in some serial order; unless `all`, only what he writes and does not
 * read himself: what he reads and nobody has named gets its slot when he reads it.
 */
const namedIn = (spec: Spec, scope: string, all: boolean): ReadPlan => {
  const plans: ReadPlan[] = []
  for (const order of permutations(spec.actors)) {
    let world = initialWorld(spec)
    for (const { decider } of order) {
      const facts = factsIn(world, scope, decider)
      const drafts = draftsOn(facts, scope, decider)
      world = worldAfter(world, drafts) ?? world
      const written = writtenNames(setupOf(drafts, scope))
      const read = planOf(decider.read(queries, undefined) as Reads, scope)
      const reads = new Set(read.resources.map((r) => `${r.kind}/${r.name}`))
      const counts = new Set(read.counters.map((c) => c.metric))
      if (all) plans.push(read, written)
      else {
        plans.push({
          resources: written.resources.filter((r) => !reads.has(`${r.kind}/${r.name}`)),
          counters: written.counters.filter((c) => !counts.has(c.metric)),
          finds: [],
        })
      }
    }
  }
  return merged(plans)
}

const merged = (plans: readonly ReadPlan[]): ReadPlan => ({
  resources: plans.flatMap((plan) => plan.resources),
  counters: plans.flatMap((plan) => plan.counters),
  finds: [],
})

const batch = 200

/** The world to begin with, in every scope. */
const setUp = async (
  { tx }: Session,
  spec: Spec,
  scopes: readonly string[],
  prepared: Cast['prepared'],
): Promise<void> => {
  for (let from = 0; from < scopes.length; from += batch) {
    const some = scopes.slice(from, from + batch)
    for (const drafts of spec.initial) {
      const writes = some.map((scope): Write => ({
        id: newDecisionId(Date.now()),
        plan: setupOf(drafts, scope),
      }))
      await prepareSlots(tx, merged(writes.map((write) => writtenNames(write.plan))))
      await tx`begin isolation level serializable`
      await sendWrites(tx, writes)
      await sendCommit(tx)
    }
    if (prepared === 'all' || (prepared === 'unread' && spec.unnamed !== true)) {
      const all = prepared === 'all'
      await prepareSlots(tx, merged(some.map((scope) => namedIn(spec, scope, all))))
    }
  }
}

/** The worlds as they were left. */
const worldsOf = async (
  sql: Sql,
  scopes: readonly string[],
): Promise<ReadonlyMap<string, World>> => {
  const rows = await sql<(Held & { scope: string; key: string })[]>`
    select
      r.scope,
      r.kind || '/' || r.name as key,
      s.version,
      s.assumed as state,
      s.labels,
      s.counters,
      coalesce(
        (
          select jsonb_object_agg(n.kind || '/' || n.name, a.version)
          from unnest(e.after_resources, e.after_versions) as a (resource, version)
          join foreword_private.resource n on n.id = a.resource
        ),
        '{}'
      ) as after
    from foreword_private.resource r
    join foreword_private.resource_state s on s.resource = r.id
    join foreword_private.entry e on e.resource = s.resource and e.version = s.version
    where r.scope = any (${[...scopes]}::text[])`
  const worlds = new Map(scopes.map((scope) => [scope, new Map<string, Held>()]))
  for (const { scope, key, ...held } of rows) worlds.get(scope)?.set(key, held)
  return worlds
}

/** Where a counter is not the sum of what its resources consume. */
const wrongCounters = async (
  sql: Sql,
  worlds: ReadonlyMap<string, World>,
): Promise<ReadonlyMap<string, string>> => {
  const rows = await sql<{ scope: string; metric: string; consumed: number }[]>`
    select q.scope, q.metric, q.consumed
    from foreword_private.quota q
    where q.scope = any (${[...worlds.keys()]}::text[])`
  return new Map(
    rows.flatMap(({ scope, metric, consumed }) => {
      const sum = consumedIn(worlds.get(scope) ?? new Map(), metric)
      return sum === consumed ? [] : [[scope, `${metric} says ${consumed}, its resources ${sum}`]]
    }),
  )
}

/** Of orders that differ only in who plays whom, one. */
const isFirst = ({ alike, actors }: Spec, order: readonly number[]): boolean => {
  if (alike === 'ring') return order[0] === 0
  if (alike === undefined) return true
  const begins = actors.map((_, i) => order.indexOf(i))
  return begins.every((at, i) => i === 0 || (begins[i - 1] ?? 0) < at)
}

const ordersOf = (spec: Spec, cast: Cast): readonly (readonly number[])[] => {
  if (spec.orders !== undefined) return spec.orders
  const all = interleavings(spec.actors.map(stepsOf)).filter((order) => isFirst(spec, order))
  return spec.actors.length < 3 || cast.locks ? all : unlike(all)
}

const countAll = (spec: Spec): number =>
  spec.orders?.length ?? interleavings(spec.actors.map(stepsOf)).length

let rounds = 0

/** Names that no run before had. */
const scopesFor = (spec: Spec, count: number): readonly string[] => {
  rounds += 1
  return Array.from({ length: count }, (_, i) => `${spec.name} ${rounds}/p${i}`)
}

const playersOf = (
  sessions: Sessions,
  spec: Spec,
  cast: Cast,
  scope: string,
): readonly Player<Ended>[] =>
  spec.actors.map((actor, i) => {
    const session = sessions.actors[i]
    if (session === undefined) throw new Error('too few sessions')
    return cast.play(session, actor, scope, spec.unnamed !== true)
  })

const begin = async (
  sessions: Sessions,
  spec: Spec,
  cast: Cast,
  scopes: readonly string[],
): Promise<void> => {
  const [first] = sessions.actors
  if (first === undefined) throw new Error('no actors')
  await setUp(first, spec, scopes, cast.prepared)
}

/** All orders of one spec, each in a scope of its own. */
export const runSpec = async (sessions: Sessions, spec: Spec, cast: Cast): Promise<Report> => {
  const orders = ordersOf(spec, cast)
  const scopes = scopesFor(spec, orders.length)
  await begin(sessions, spec, cast, scopes)

  const performed: Performance<Ended>[] = []
  for (const [i, order] of orders.entries()) {
    const players = playersOf(sessions, spec, cast, scopes[i] ?? '')
    performed.push(await perform(players, order, sessions.observer))
  }

  const worlds = await worldsOf(sessions.observer, scopes)
  const wrong = await wrongCounters(sessions.observer, worlds)
  const runs = orders.map((order, i): Run => {
    const scope = scopes[i] ?? ''
    const ended = performed[i]?.ended ?? []
    const anomaly = anomalyIn(spec, scope, ended, worlds.get(scope) ?? new Map())
    return {
      scope,
      order,
      ended,
      anomaly: anomaly ?? wrong.get(scope) ?? null,
      // Who has to begin again sees more than his first step has read.
      must_abort: spec.unnamed === true || mustAbort(spec, order),
    }
  })
  const blocked = performed.reduce((sum, p) => sum + p.blocked, 0)
  return { spec, runs, orders: countAll(spec), blocked }
}

/** One order, with somebody else beside the actors, who plays last in the numbering. */
export const performOnce = async (
  sessions: Sessions,
  spec: Spec,
  cast: Cast,
  order: readonly number[],
  beside: (session: Session) => Player<Ended>,
): Promise<Pick<Run, 'ended' | 'anomaly'>> => {
  const [scope = ''] = scopesFor(spec, 1)
  await begin(sessions, spec, cast, [scope])
  const session = sessions.actors[spec.actors.length]
  if (session === undefined) throw new Error('too few sessions')
  const players = [...playersOf(sessions, spec, cast, scope), beside(session)]
  const performed = await perform(players, order, sessions.observer)
  const ended = performed.ended.slice(0, spec.actors.length)
  const world = (await worldsOf(sessions.observer, [scope])).get(scope) ?? new Map()
  return { ended, anomaly: anomalyIn(spec, scope, ended, world) }
}

const ends = (runs: readonly Run[], type: Ended['type']): readonly Ended[] =>
  runs.flatMap((run) => run.ended.filter((end) => end.type === type))

/** Somebody lost against another: his own change of mind is none. */
const lostIn = (run: Run): boolean =>
  run.ended.some((end) => end.type === 'aborted' && end.sqlstate !== 'its own')

export interface Totals {
  readonly committed: number
  readonly aborted: number
  readonly invalid: number
  readonly anomalies: readonly string[]
  /** Orders in which somebody lost, and nobody had to. */
  readonly false_aborts: number
  readonly necessary: number
  /** Orders in which all committed that wanted to. */
  readonly nobody_lost: number
  readonly serial_lost: number
  readonly sqlstates: string
}

export const totalsOf = ({ runs }: Report): Totals => {
  const aborted = ends(runs, 'aborted').filter(
    (end) => end.type === 'aborted' && end.sqlstate !== 'its own',
  )
  const states = [...aborted, ...ends(runs, 'invalid')].map((end) =>
    end.type === 'committed' ? '' : end.sqlstate,
  )
  return {
    committed: ends(runs, 'committed').length,
    aborted: aborted.length,
    invalid: ends(runs, 'invalid').length,
    anomalies: runs.flatMap((run) =>
      run.anomaly === null ? [] : [`${run.order.join('')}: ${run.anomaly}`],
    ),
    false_aborts: runs.filter((run) => lostIn(run) && !run.must_abort).length,
    necessary: runs.filter((run) => run.must_abort).length,
    nobody_lost: runs.filter((run) => !lostIn(run)).length,
    serial_lost: runs.filter((run) => isSerial(run.order) && lostIn(run)).length,
    sqlstates: [...new Set(states)].toSorted().join(' '),
  }
}

/** One line for people. */
export const lineOf = (report: Report, cast: Cast, server: string): string => {
  const { spec, runs, orders, blocked } = report
  const all = orders === runs.length ? `${orders}` : `${orders} as ${runs.length}`
  const totals = totalsOf(report)
  const lost = totals.sqlstates === '' ? '' : ` (${totals.sqlstates})`
  return [
    `${spec.name} [${spec.source}] ${cast.name} on ${server}: ${all} orders`,
    `${totals.committed} committed`,
    `${totals.aborted} aborted${lost}`,
    `${totals.false_aborts} of ${totals.false_aborts + totals.necessary} orders in vain`,
    ...(totals.invalid > 0 ? [`${totals.invalid} told that it does not fit`] : []),
    `${blocked} steps waited`,
    `${totals.anomalies.length} anomalies`,
  ].join(', ')
}
