/**
 * Group commit: decisions that wait at the same moment share one transaction, and with it the round trips
 * and the fsync. Each keeps its own id, premises, result and retry. A group that aborts is taken apart,
 * and each member tried alone.
 */
import type { Tried, Try } from '../domain/ports.ts'
import { conflict_sqlstates } from '../domain/retry-policy.ts'
import { codeOf, type Sql } from './connect.ts'
import {
  readFlight,
  rollback,
  sendCommit,
  writeFlight,
  type Slots,
  type WrittenRow,
} from './flights.ts'
import {
  decideInTurn,
  keysRead,
  keysWritten,
  readTogether,
  type Member,
  type Sorted,
} from './group-members.ts'
import { once } from './serializable.ts'
import { commitOutcome } from './tombstone.ts'
import { isConnectionLoss } from './try-errors.ts'

/** More than this in one transaction and it meets others so often that it is slower again. */
export const group_size_max = 16
/**
 * Groups under way at once. Sharing one transaction gains more than going on beside it (two of 8 take 40 %
 * more CPU for each decision than one of 16), so a second one starts when it is full, or when somebody has
 * waited for so long that the first must be held up, by a row that somebody has locked: nobody else waits for that.
 */
const groups_max = 4
const full_groups_max = 2
const patience_ms = 5

export interface Grouping {
  readonly once: (attempt: Try) => Promise<Tried>
}

interface Ground {
  readonly sql: Sql
  readonly slots: Slots
}

/** A group under way, as those see it who might join the next one. */
interface Running {
  /** What it may write, until it has decided; then what it does write. */
  keys: ReadonlySet<string>
}

const solo = ({ sql, slots }: Ground, member: Member): void => {
  once(sql, slots, member.attempt).then(member.resolve, member.reject)
}

const finish = (sorted: Sorted, entries: readonly WrittenRow[]): void => {
  for (const { id, member } of sorted.writes) {
    const mine = entries.filter((entry) => entry.decision === id)
    member.resolve({ type: 'written', entries: mine })
  }
  for (const member of sorted.unwritten) member.resolve({ type: 'unwritten' })
}

/**
 * After an abort each is tried alone: by whoever counts tries where somebody was first, and here where one
 * of them has fallen over a fault of its own, which the others have nothing to do with.
 */
const takeApart = (ground: Ground, { writes }: Sorted, sqlstate: string): void => {
  for (const { member } of writes) {
    if (conflict_sqlstates.has(sqlstate)) {
      member.resolve({ type: 'conflict', sqlstate, id_spent: false, grouped: true })
    } else solo(ground, member)
  }
}

/** Runs a group to its end; returns who must wait for the next one. */
const runGroup = async (
  ground: Ground,
  members: readonly Member[],
  onDecided: (keys: ReadonlySet<string>) => void,
): Promise<readonly Member[]> => {
  const { sql, slots } = ground
  const tx = await sql.reserve()
  let sorted: Sorted = { writes: [], unwritten: members, later: [], alone: [] }
  try {
    sorted = decideInTurn(members, await readFlight(tx, readTogether(members), slots), slots)
    onDecided(keysWritten(sorted.writes))
    if (sorted.writes.length > 0) finish(sorted, await writeFlight(tx, sorted.writes))
    else {
      await sendCommit(tx)
      finish(sorted, [])
    }
  } catch (error) {
    if (!isConnectionLoss(error)) {
      await rollback(tx)
      takeApart(ground, sorted, codeOf(error))
    } else if (sorted.writes.length > 0) {
      const outcome = commitOutcome(
        sql,
        sorted.writes.map((w) => w.id),
      )
      for (const { id, member } of sorted.writes) outcome(id).then(member.resolve, member.reject)
    }
    for (const member of sorted.unwritten) solo(ground, member)
  } finally {
    tx.release()
  }
  for (const member of sorted.alone) solo(ground, member)
  return sorted.later
}

/** The waiting decisions, and those of them that may run now. */
const createQueue = (size_max: number) => {
  const queue: Member[] = []
  /**
   * Takes out the next group: nobody who reads what a running group writes, for one of the two would
   * abort, and nobody who reads what somebody reads who was passed over, for he was first.
   */
  const take = (running: Iterable<Running>): readonly Member[] => {
    const busy = [...running].map((r) => r.keys)
    const passed = new Set<string>()
    const taken: Member[] = []
    const left: Member[] = []
    for (const member of queue) {
      const keys = keysRead(member.attempt.plan)
      const free =
        taken.length < size_max && !keys.some((k) => passed.has(k) || busy.some((b) => b.has(k)))
      if (free) taken.push(member)
      else {
        left.push(member)
        for (const k of keys) passed.add(k)
      }
    }
    queue.splice(0, queue.length, ...left)
    return taken
  }
  return {
    take,
    push: (member: Member) => queue.push(member),
    putBack: (members: readonly Member[]) => queue.unshift(...members),
    size: () => queue.length,
  }
}

/** Set however often, it rings once. */
const oneAtATime = (set: (ring: () => void) => unknown, work: () => void): (() => void) => {
  let is_set = false
  return () => {
    if (is_set) return
    is_set = true
    set(() => {
      is_set = false
      work()
    })
  }
}

export const createGrouping = (sql: Sql, slots: Slots, size_max: number): Grouping => {
  const ground = { sql, slots }
  const queue = createQueue(size_max)
  const running = new Set<Running>()
  const run = async (members: readonly Member[], me: Running): Promise<void> => {
    const [first] = members
    if (first !== undefined && members.length === 1) {
      await once(sql, slots, first.attempt).then(first.resolve, first.reject)
      return
    }
    try {
      const later = await runGroup(ground, members, (keys) => {
        me.keys = keys
        pump()
      })
      queue.putBack(later)
    } catch (error) {
      for (const member of members) member.reject(error)
    }
  }

  /** How many groups may be under way now, the next one included. */
  const allowed = (patient: boolean): number => {
    if (!patient) return groups_max
    return queue.size() >= size_max ? full_groups_max : 1
  }

  const pump = (patient = true): void => {
    while (queue.size() > 0 && running.size < allowed(patient)) {
      const members = queue.take(running)
      if (members.length === 0) break
      const me = { keys: new Set(members.flatMap((m) => keysRead(m.attempt.plan))) }
      running.add(me)
      void run(members, me).finally(() => {
        running.delete(me)
        pumpSoon()
      })
    }
    if (queue.size() > 0) outOfPatience()
  }

  // The callers of one moment come one after the other, and those just answered come again: let all arrive.
  const pumpSoon = oneAtATime(setImmediate, pump)
  const outOfPatience = oneAtATime(
    (ring) => setTimeout(ring, patience_ms),
    () => {
      pump(false)
    },
  )

  return {
    once: (attempt) =>
      new Promise<Tried>((resolve, reject) => {
        const member = { attempt, resolve, reject }
        if (attempt.company !== 'grouped' || attempt.read_only || size_max <= 1) {
          solo(ground, member)
          return
        }
        queue.push(member)
        pumpSoon()
      }),
  }
}
