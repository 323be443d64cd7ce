/**
 * One step at a time, in a given order, as Postgres' own isolationtester does it: a step that blocks
 * is left waiting while the others go on, and ends when whoever blocks it has ended.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Sql } from '../../src/store/connect.ts'

/** Where an actor waits to be told to go on. */
export interface Stage {
  readonly pass: (step: number) => Promise<void>
}

export interface Player<Ended> {
  /** Of its backend. */
  readonly pid: number
  readonly play: (stage: Stage) => Promise<Ended>
}

export interface Performance<Ended> {
  readonly ended: readonly Ended[]
  /** How many steps had to wait for another actor. */
  readonly blocked: number
}

/** All orders of steps, each actor's own in sequence. */
export const interleavings = (steps: readonly number[]): readonly (readonly number[])[] => {
  const orders: (readonly number[])[] = []
  const extend = (left: readonly number[], order: readonly number[]): void => {
    if (left.every((n) => n === 0)) orders.push(order)
    left.forEach((n, i) => {
      if (n > 0) {
        extend(
          left.map((m, j) => (j === i ? m - 1 : m)),
          [...order, i],
        )
      }
    })
  }
  extend(steps, [])
  return orders
}

/**
 * One order of each class that differs only in which of two neighbouring first steps comes first: two
 * that begin and read, with nobody's COMMIT between them, see the same and change nothing.
 */
export const unlike = (orders: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  orders.filter((order) =>
    order.every((actor, at) => {
      const before = order[at - 1]
      if (before === undefined || before < actor) return true
      return order.indexOf(actor) !== at || order.indexOf(before) !== at - 1
    }),
  )

/** Whether one actor ends before the next begins. */
export const isSerial = (order: readonly number[]): boolean =>
  order.every((actor, at) => at === 0 || order[at - 1] === actor || order.indexOf(actor) === at)

const deadline_ms = 30_000
/** A step that takes longer than this may be blocked: worth a question to the server. */
const suspect_ms = 2

interface Seat<Ended> {
  readonly player: Player<Ended>
  state: 'waits' | 'runs' | 'ended'
  /** Steps that were its turn while it was blocked. */
  owed: number
  go: () => void
  ended?: Ended
  error?: unknown
}

/** Who waits for whom among the actors, as the server sees it. */
const waitsFor = async (
  observer: Sql,
  pids: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> => {
  const rows = await observer<{ pid: number; by: number[] }[]>`
    select p.pid, pg_blocking_pids(p.pid) as by
    from unnest(${[...pids]}::integer[]) as p (pid)`
  return new Map(rows.map(({ pid, by }) => [pid, by]))
}

/** Plays an order to its end. `observer` is a connection that no actor uses. */
export const perform = async <Ended>(
  players: readonly Player<Ended>[],
  order: readonly number[],
  observer: Sql,
): Promise<Performance<Ended>> => {
  let blocked = 0
  let wake = (): void => undefined
  const seats = players.map((player) => seat(player))

  function seat(player: Player<Ended>): Seat<Ended> {
    const mine: Seat<Ended> = { player, state: 'runs', owed: 0, go: () => undefined }
    let passed = -1
    const pass = (step: number): Promise<void> => {
      // A decider that is asked again from the start has passed here before.
      if (step <= passed) return Promise.resolve()
      passed = step
      return new Promise((resolve) => {
        mine.state = 'waits'
        mine.go = () => {
          mine.state = 'runs'
          resolve()
        }
        wake()
      })
    }
    player.play({ pass }).then(
      (ended) => {
        Object.assign(mine, { ended, state: 'ended' })
        wake()
      },
      (error: unknown) => {
        Object.assign(mine, { error, state: 'ended' })
        wake()
      },
    )
    return mine
  }

  const running = (): readonly Seat<Ended>[] => seats.filter((s) => s.state === 'runs')

  /** Whether all that run are blocked, and not by each other only: then nothing moves without another step. */
  const isStuck = async (): Promise<boolean> => {
    const asked = running().map((s) => s.player.pid)
    const by = await waitsFor(observer, asked)
    const now = running().map((s) => s.player.pid)
    if (now.length !== asked.length) return false
    const idle = new Set(seats.map((s) => s.player.pid).filter((pid) => !now.includes(pid)))
    const waits = now.every((pid) => (by.get(pid) ?? []).length > 0)
    return waits && now.some((pid) => by.get(pid)?.some((blocker) => idle.has(blocker)))
  }

  /** Waits until every actor has done its step, has ended, or is blocked. */
  const settle = async (): Promise<void> => {
    const deadline = Date.now() + deadline_ms
    while (running().length > 0) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      const quiet = new AbortController()
      await Promise.race([
        changed,
        pause(suspect_ms, undefined, { signal: quiet.signal }).catch(() => undefined),
      ])
      quiet.abort()
      if (running().length === 0) return
      if (await isStuck()) return
      if (Date.now() > deadline)
        throw new Error(`a step of ${order.join('')} neither ends nor waits`)
    }
  }

  const step = async (mine: Seat<Ended>): Promise<void> => {
    mine.go()
    await settle()
    if (mine.state === 'runs') blocked += 1
  }

  /** Those who were blocked and are not any more catch up. */
  const catchUp = async (): Promise<void> => {
    for (;;) {
      const late = seats.find((s) => s.state === 'waits' && s.owed > 0)
      if (late === undefined) return
      late.owed -= 1
      await step(late)
    }
  }

  await settle()
  for (const i of order) {
    const mine = seats[i]
    if (mine === undefined) throw new Error(`nobody plays ${i}`)
    if (mine.state === 'ended') continue
    if (mine.state === 'runs') mine.owed += 1
    else await step(mine)
    await catchUp()
  }
  const failed = seats.find((s) => s.error !== undefined)
  if (failed !== undefined) throw failed.error
  const ended = seats.map((s) => s.ended)
  if (ended.some((e) => e === undefined)) throw new Error(`${order.join('')} left somebody waiting`)
  return { ended: ended as readonly Ended[], blocked }
}
