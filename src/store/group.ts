/**
 * Group commit: independent decisions that wait at the same moment share one transaction, and with it
 * the round trips and the fsync. Each keeps its own id, premises, result and retry. Inside a group the
 * order is that of the queue: whoever reads or writes what an earlier member writes goes with the next
 * group instead. A group that aborts is taken apart, and each member tried alone.
 */
import type { ReadPlan, Readings, Tried, Try, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Reserved, Sql } from './connect.ts'
import {
  readFlight,
  rollback,
  sendCommit,
  writeFlight,
  type Slots,
  type WrittenRow,
} from './flights.ts'
import { writtenNames, type Write } from './record-text.ts'
import { once } from './serializable.ts'
import { commitOutcome } from './tombstone.ts'
import { isConnectionLoss } from './try-errors.ts'

/** More than this in one transaction and it meets others so often that it is slower again. */
export const group_size_max = 16
/** Groups under way at once. One would do; the second goes on while the first waits for its fsync. */
const groups_max = 2

interface Member {
  readonly attempt: Try
  readonly resolve: (tried: Tried) => void
  readonly reject: (error: unknown) => void
}

/** What the members so far write, as far as it concerns those who come after. */
interface Written {
  readonly resources: Set<string>
  /** What they come after: whoever moves one of these must be decided after them, not beside them. */
  readonly needs: Set<string>
  readonly kinds: Set<string>
  readonly counters: Set<string>
}

const kindKey = (at: { readonly scope: string; readonly kind: string }): string =>
  JSON.stringify([at.scope, at.kind])
const counterKey = (scope: string, metric: string): string => JSON.stringify([scope, metric])

const note = (written: Written, plan: WritePlan): void => {
  for (const c of plan.changes) {
    written.resources.add(resourceId(c.scope, c.kind, c.name))
    for (const n of c.needs) written.needs.add(resourceId(n.scope, n.kind, n.name))
    // An update that leaves its labels alone enters and leaves nobody's predicate, but is in its rows.
    written.kinds.add(kindKey(c))
    for (const metric of Object.keys(c.counters ?? {})) {
      written.counters.add(counterKey(c.scope, metric))
    }
  }
}

/** Whether a member would have to see what an earlier one writes. */
const reads = (plan: ReadPlan, written: Written): boolean =>
  plan.resources.some((r) => written.resources.has(resourceId(r.scope, r.kind, r.name))) ||
  plan.finds.some((f) => written.kinds.has(kindKey(f))) ||
  plan.counters.some((c) => written.counters.has(counterKey(c.scope, c.metric)))

/**
 * Whether a member writes or needs what an earlier one writes, or writes what an earlier one needs.
 * Beside each other two of them could come to wait for each other, each after the other's version.
 */
const touches = (plan: WritePlan, written: Written): boolean =>
  plan.changes.some((c) => {
    const id = resourceId(c.scope, c.kind, c.name)
    return (
      written.resources.has(id) ||
      written.needs.has(id) ||
      c.needs.some((n) => written.resources.has(resourceId(n.scope, n.kind, n.name)))
    )
  })

const merged = (members: readonly Member[]): ReadPlan => ({
  resources: members.flatMap((m) => m.attempt.plan.resources),
  finds: members.flatMap((m) => m.attempt.plan.finds),
  counters: members.flatMap((m) => m.attempt.plan.counters),
})

/** Each member's part of what was read together. */
const shares = (members: readonly Member[], all: Readings): readonly Readings[] => {
  let finds = 0
  let counters = 0
  return members.map(({ attempt: { plan } }) => ({
    states: all.states,
    finds: all.finds.slice(finds, (finds += plan.finds.length)),
    counters: all.counters.slice(counters, (counters += plan.counters.length)),
  }))
}

/** How the members of a group came out of deciding. */
interface Sorted {
  readonly writes: (Write & { readonly member: Member })[]
  readonly unwritten: Member[]
  /** Must see what an earlier member writes. */
  readonly later: Member[]
  /** Write names without a slot. */
  readonly alone: Member[]
}

const sortOut = (
  members: readonly Member[],
  readings: readonly Readings[],
  slots: Slots,
): Sorted => {
  const sorted: Sorted = { writes: [], unwritten: [], later: [], alone: [] }
  const written: Written = {
    resources: new Set(),
    needs: new Set(),
    kinds: new Set(),
    counters: new Set(),
  }
  members.forEach((member, i) => {
    const { attempt } = member
    const mine = readings[i]
    if (mine === undefined || reads(attempt.plan, written)) {
      sorted.later.push(member)
      return
    }
    try {
      const plan = attempt.decide(mine)
      if (plan === null) sorted.unwritten.push(member)
      else if (slots.unseen(writtenNames(plan)) !== null) sorted.alone.push(member)
      else if (touches(plan, written)) sorted.later.push(member)
      else {
        note(written, plan)
        sorted.writes.push({ id: attempt.id, plan, member })
      }
    } catch (error) {
      // A decider that throws fails its own caller and nobody else.
      member.reject(error)
    }
  })
  return sorted
}

export interface Grouping {
  readonly once: (attempt: Try) => Promise<Tried>
}

interface Ground {
  readonly sql: Sql
  readonly slots: Slots
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

/** BEGIN and all reads of all members in one flight, then each member's own decision. */
const decideTogether = async (
  tx: Reserved,
  { slots }: Ground,
  members: readonly Member[],
): Promise<Sorted> => {
  const readings = await readFlight(tx, merged(members), slots)
  return sortOut(members, shares(members, readings), slots)
}

/** Runs a group to its end; returns who must wait for the next one. */
const runGroup = async (ground: Ground, members: readonly Member[]): Promise<readonly Member[]> => {
  const tx = await ground.sql.reserve()
  let sorted: Sorted = { writes: [], unwritten: [...members], later: [], alone: [] }
  try {
    sorted = await decideTogether(tx, ground, members)
    if (sorted.writes.length > 0) finish(sorted, await writeFlight(tx, sorted.writes))
    else {
      await sendCommit(tx)
      finish(sorted, [])
    }
  } catch (error) {
    const written = sorted.writes.map((w) => w.member)
    if (isConnectionLoss(error)) {
      for (const { attempt, resolve, reject } of written) {
        commitOutcome(ground.sql, attempt.id).then(resolve, reject)
      }
    } else {
      await rollback(tx)
      for (const member of written) solo(ground, member)
    }
    for (const member of sorted.unwritten) solo(ground, member)
  } finally {
    tx.release()
  }
  for (const member of sorted.alone) solo(ground, member)
  return sorted.later
}

export const createGrouping = (sql: Sql, slots: Slots, size_max: number): Grouping => {
  const ground = { sql, slots }
  const queue: Member[] = []
  let groups = 0
  let scheduled = false

  const runNext = async (): Promise<void> => {
    const members = queue.splice(0, size_max)
    const [first] = members
    if (first === undefined) return
    if (members.length === 1) {
      await once(sql, slots, first.attempt).then(first.resolve, first.reject)
      return
    }
    try {
      queue.unshift(...(await runGroup(ground, members)))
    } catch (error) {
      for (const member of members) member.reject(error)
    }
  }

  const pump = (): void => {
    scheduled = false
    while (queue.length > 0 && groups < groups_max) {
      groups += 1
      void runNext().finally(() => {
        groups -= 1
        pump()
      })
    }
  }

  return {
    once: (attempt) =>
      new Promise<Tried>((resolve, reject) => {
        const member = { attempt, resolve, reject }
        // Whoever stands in line holds locks of a session; whoever only reads writes no group.
        if (attempt.in_line || attempt.read_only || size_max <= 1) {
          solo(ground, member)
          return
        }
        queue.push(member)
        if (scheduled) return
        scheduled = true
        // The callers of one moment come one after the other: let them all arrive.
        setImmediate(pump)
      }),
  }
}
