/** Plays one schedule to its end: starts everything, lets it suffer, waits until nothing moves, and gathers what is known. */
import { setTimeout as pause } from 'node:timers/promises'
import { startCloud } from '../../src/cloud/index.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { startCommitProxy, isCommit, type Cut } from '../support/commit-proxy.ts'
import { createChildren, type Child, type Children } from './children.ts'
import { leaksIn, readCloud, readLog, type Evidence, type Told } from './evidence.ts'
import type { Ground } from './ground.ts'
import { chanceOf, type Fault, type Role, type Schedule } from './schedule.ts'
import { scope, type Setting } from './setting.ts'
import { readAgain, readOpen, standingOf } from './standing.ts'
import { startWire, type Wire } from './tcp-proxy.ts'

export interface Stage {
  readonly ground: Ground
  /** The directory of worker-process.ts: this one, or that of a copy with a mutant of src beside it. */
  readonly room: string
  /** For compiled code. */
  readonly cache: string
  /** Changes the schedule's database before anybody comes: a mutant of SQL. */
  readonly prepare?: (sql: Sql) => Promise<void>
  /** After the faults are over, everything must have come to rest by then. */
  readonly rest_ms: number
}

export interface Played {
  readonly evidence: Evidence
  /** `point action` of each trap that was sprung. */
  readonly sprung: readonly string[]
  readonly took_ms: number
}

/** A fault of one kind out of a list, with its own fields. */
const only = <T extends Fault['type']>(faults: readonly Fault[], type: T) =>
  faults.filter((f): f is Extract<Fault, { readonly type: T }> => f.type === type)

const chaos = (schedule: Schedule) => ({
  ...schedule.cloud,
  ...Object.fromEntries(only(schedule.faults, 'api').map(({ fault, p }) => [fault, p])),
})

const put = async (url: string, page: string, body: unknown): Promise<void> => {
  const answer = await fetch(`${url}${page}`, {
    method: 'PUT',
    headers: { 'X-Account': scope, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ready_ms),
  })
  if (!answer.ok) throw new Error(`${page}: ${await answer.text()}`)
}

/** Every way in which the wires to Postgres misbehave. */
interface Wires {
  readonly worker: Wire
  readonly decider: Wire
  readonly close: () => Promise<void>
}

/** Deciders have two wires behind each other: one that breaks anywhere, and one that breaks at COMMIT. */
const startWires = async (schedule: Schedule, url: string): Promise<Wires> => {
  const cuts = new Map(only(schedule.faults, 'commit_cut').map(({ nth, how }) => [nth, how]))
  const ends: (() => Promise<void>)[] = []
  let commits = 0
  const cutFor = (): Cut | null => {
    const how = cuts.get((commits += 1))
    if (how === undefined) return null
    if (how === 'during') return { type: how, bytes: 8 }
    return how === 'late' ? { type: how, until: () => pause(60) } : { type: how }
  }
  const at_commit =
    cuts.size === 0
      ? url
      : (
          await startCommitProxy({ teardown: (end) => ends.push(end) }, url, (statement) =>
            statement.application === 'foreword:decide' && isCommit(statement) ? cutFor() : null,
          )
        ).url
  const [worker, decider] = [await startWire(url), await startWire(at_commit)]
  return {
    worker,
    decider,
    close: async () => {
      worker.close()
      decider.close()
      for (const end of ends) await end()
    },
  }
}

const ready_ms = 10_000
const awake_ms = 500
const trouble_ms = 2_500
const still_ms = 500
const decided_ms = 30_000

/** The processes of a schedule, and those that come in place of the dead. */
const createCast = (
  schedule: Schedule,
  stage: Pick<Stage, 'room' | 'cache'>,
  at: { readonly wires: Wires; readonly cloud: string },
) => {
  const told = new Map<string, { begun: number; results: Told['results'][number][] }>()
  const pending = schedule.deciders.map((jobs) => [...jobs])
  let over = false
  const setting = (role: Role, index: number, first: boolean): Setting => ({
    url: at.wires[role].url,
    cloud: at.cloud,
    kinds: schedule.kinds,
    traits: schedule.traits,
    cores_max: schedule.cores_max,
    jumps:
      role === 'worker' && first
        ? only(schedule.faults, 'clock').filter((f) => f.index === index)
        : [],
    jobs: role === 'decider' ? (pending[index] ?? []) : [],
  })
  const begin = (role: Role, index: number, first: boolean): Child =>
    children.start({
      role,
      index,
      setting: setting(role, index, first),
      traps: first
        ? only(schedule.faults, 'fail_point').filter((f) => f.role === role && f.index === index)
        : [],
    })
  const noteOf = (job: string) => {
    const note = told.get(job) ?? { begun: 0, results: [] }
    told.set(job, note)
    return note
  }
  const onLine = (child: Child, line: string): void => {
    const [word, job = ''] = line.split(' ', 2)
    if (word === 'begun') noteOf(job).begun += 1
    if (word !== 'told') return
    noteOf(job).results.push(
      JSON.parse(line.slice(`told ${job} `.length)) as Told['results'][number],
    )
    if (line.includes('"type":"away"')) return
    const left = pending[child.index]
    left?.splice(0, left.length, ...left.filter((j) => j.job !== job))
  }
  const able = (): boolean => children.all.some((c) => c.role === 'worker' && c.alive && !c.stopped)
  const onExit = (child: Child): void => {
    if (over) return
    if (child.role === 'decider' && !child.done) begin('decider', child.index, false)
    if (child.role === 'worker' && !able()) begin('worker', child.index, false)
  }
  const children: Children = createChildren(stage.room, stage.cache, { onLine, onExit })
  return {
    children,
    /** Deciders come when the first workers are there, or are dead already. */
    startAll: async () => {
      for (let w = 0; w < schedule.workers; w++) begin('worker', w, true)
      await eventually(ready_ms, () => children.all.every((c) => c.ready || !c.alive))
      schedule.deciders.forEach((_, d) => begin('decider', d, true))
    },
    /** Somebody must be there to work, also where all others stand still. */
    ensureAble: () => {
      over = false
      if (!able()) begin('worker', schedule.workers, false)
    },
    /** Whoever stood still has had the time to do what he had in mind. */
    awake: () =>
      children.all.every(
        (c) => !c.stopped && (!c.alive || performance.now() - c.resumed_at > awake_ms),
      ),
    decided: () =>
      schedule.deciders.every((_, d) =>
        children.all.some((c) => c.role === 'decider' && c.index === d && c.done),
      ),
    told: () => [...told].map(([job, note]): Told => ({ job, ...note })),
    end: () => {
      over = true
      return children.killAll()
    },
  }
}

type Cast = ReturnType<typeof createCast>

/** The faults that come at a time; resolves when the last is over. */
const suffer = async (
  schedule: Schedule,
  cast: Cast,
  wires: Wires,
  ground: Ground,
): Promise<void> => {
  const chance = chanceOf(schedule.seed ^ 0x5eed)
  const marked = (role: Role): void => {
    for (const c of cast.children.all) if (c.role === role && c.alive) c.disturbed = c.lost = true
  }
  const at = async (fault: Fault): Promise<void> => {
    if (!('at_ms' in fault) || fault.type === 'clock') return
    await pause(fault.at_ms)
    switch (fault.type) {
      case 'kill':
      case 'stop': {
        const child = cast.children.all.find(
          (c) => c.role === fault.role && c.index === fault.index && c.alive,
        )
        if (child === undefined) return
        if (fault.type === 'kill') cast.children.kill(child)
        else cast.children.stop(child, fault.for_ms)
        return
      }
      case 'cut':
        marked(fault.role)
        wires[fault.role].cut(fault.share, chance.next)
        return
      case 'partition':
        marked(fault.role)
        wires[fault.role].open = false
        wires[fault.role].cut(1, chance.next)
        await pause(fault.for_ms)
        wires[fault.role].open = true
        return
      case 'postgres':
        marked('worker')
        marked('decider')
        await ground.crash()
        return
    }
  }
  await Promise.all(schedule.faults.map(at))
}

/** Looks every tenth of a second until it holds; false: not by then. Errors are a server that is away. */
const eventually = async (
  ms: number,
  holds: () => boolean | Promise<boolean>,
): Promise<boolean> => {
  const until = performance.now() + ms
  for (;;) {
    if (await Promise.resolve(holds()).catch(() => false)) return true
    if (performance.now() > until) return false
    await pause(100)
  }
}

const isAtRest = async (sql: Sql): Promise<boolean> =>
  standingOf(await readOpen(sql)).moving.length + (await readAgain(sql)).length === 0

/** For a while: who woke too late may still have something in mind. */
const untilRest = async (sql: Sql, cast: Cast, rest_ms: number): Promise<void> => {
  let since = Infinity
  await eventually(rest_ms, async () => {
    cast.ensureAble()
    const rests = cast.decided() && cast.awake() && (await isAtRest(sql).catch(() => false))
    since = rests ? Math.min(since, performance.now()) : Infinity
    return performance.now() - since >= still_ms
  })
}

/** Waits until everything rests, and ends the processes; again where one of them had begun something. */
const endAtRest = async (sql: Sql, cast: Cast, rest_ms: number): Promise<void> => {
  const until = performance.now() + rest_ms
  for (;;) {
    await untilRest(sql, cast, until - performance.now())
    await cast.end()
    if (performance.now() > until || (await isAtRest(sql))) return
    for (const child of cast.children.all) child.disturbed = child.lost = true
  }
}

const workersOf = async (
  sql: Sql,
  children: readonly Child[],
): Promise<Pick<Evidence, 'disturbed' | 'lost'>> => {
  const rows = await sql<{ id: number; pid: number }[]>`
    select w.id, w.pid from foreword_private.worker w`
  const those = (which: (c: Child) => boolean): ReadonlySet<number> => {
    const pids = new Set(children.filter(which).map((c) => c.pid))
    return new Set(rows.filter((r) => pids.has(r.pid)).map((r) => r.id))
  }
  return { disturbed: those((c) => c.disturbed), lost: those((c) => c.lost) }
}

export const play = async (schedule: Schedule, stage: Stage): Promise<Played> => {
  const began = performance.now()
  const database = await stage.ground.make()
  const cloud = await startCloud({ seed: schedule.seed, faults: schedule.cloud })
  const sql = connectSql({ url: database.url, application_name: 'torture:look', max: 2 })
  const wires = await startWires(schedule, database.url)
  const cast = createCast(schedule, stage, { wires, cloud: cloud.url })
  try {
    await stage.prepare?.(sql)
    if (schedule.cloud_cores !== null) {
      await put(cloud.url, '/v1/quotas', { cores: schedule.cloud_cores })
    }
    await put(cloud.url, '/admin/faults', chaos(schedule))
    await cast.startAll()
    await suffer(schedule, cast, wires, stage.ground)
    await eventually(decided_ms, () => cast.decided())
    // The API goes on misbehaving while what was decided is carried out, but not for ever.
    if (only(schedule.faults, 'api').length > 0) {
      await untilRest(sql, cast, trouble_ms)
      await put(cloud.url, '/admin/faults', { profile: 'calm', ...schedule.cloud })
    }
    await endAtRest(sql, cast, stage.rest_ms)
    const workers = await workersOf(sql, cast.children.all)
    return {
      evidence: {
        schedule,
        ...(await readLog(sql)),
        ...(await readCloud(cloud.url)),
        told: cast.told(),
        leaks: [...cast.children.leaks, ...(await leaksIn(sql))],
        ...workers,
        crashed: only(schedule.faults, 'postgres').length > 0,
      },
      sprung: cast.children.sprung,
      took_ms: performance.now() - began,
    }
  } finally {
    await cast.end()
    await sql.end({ timeout: 1 })
    await wires.close()
    await cloud.close()
    await database.drop()
  }
}
