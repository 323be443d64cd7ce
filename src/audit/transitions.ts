/**
 * Who entered or left which predicate, and which of it a find could see. Worked out anew from what
 * the entries say of each version; what deciding itself noted of it is not believed.
 */
import { int32Column, uint8Column } from '../domain/column.ts'
import type { Finds, History } from '../domain/history.ts'
import { firstFrom, groupStarts, sortedRows, type VersionOrder } from './version-order.ts'

/** By predicate, and by transaction within it. */
export interface Transitions {
  /** The first transition of each predicate, and behind the last predicate their number. */
  readonly starts: Int32Array
  readonly decision: Int32Array
  readonly xid: Float64Array
  /** 1: entered; 0: left. */
  readonly entered: Uint8Array
  /** 1: by a version that was taken back later. */
  readonly withdrawn: Uint8Array
}

const without = (some: readonly number[], others: readonly number[]): readonly number[] =>
  others.length === 0 ? some : some.filter((one) => !others.includes(one))

/**
 * Each version is compared with the one before it, withdrawn or not: in its time a withdrawn version
 * was seen like any other. What a lost decision wrote has no transaction, and another law tells it.
 */
export const transitionsOf = (history: History, order: VersionOrder): Transitions => {
  const { writes, memberships, xid } = history
  const [predicate, rows, entered] = [int32Column(), int32Column(), uint8Column()]
  for (let key = 0; key < history.resources; key++) {
    let before = 0
    for (let place = order.starts[key] ?? 0; place < (order.starts[key + 1] ?? 0); place++) {
      const row = order.rows[place] ?? 0
      const after = writes.membership[row] ?? 0
      if (after === before) continue
      const [left, joined] = [memberships[before] ?? [], memberships[after] ?? []]
      before = after
      if ((writes.decision[row] ?? -1) < 0) continue
      for (const [moved, is_there] of [
        [without(left, joined), 0],
        [without(joined, left), 1],
      ] as const) {
        for (const one of moved) {
          predicate.push(one)
          rows.push(row)
          entered.push(is_there)
        }
      }
    }
  }
  const [group, row_of, joined] = [predicate.done(), rows.done(), entered.done()]
  const decisionOf = (at: number): number => writes.decision[row_of[at] ?? 0] ?? 0
  const xidOf = (at: number): number => xid[decisionOf(at)] ?? 0
  const starts = groupStarts(group, history.predicates)
  const sorted = sortedRows(group, starts, xidOf)
  return {
    starts,
    decision: Int32Array.from(sorted, decisionOf),
    xid: Float64Array.from(sorted, xidOf),
    entered: Uint8Array.from(sorted, (at) => joined[at] ?? 0),
    withdrawn: Uint8Array.from(sorted, (at) => writes.withdrawn[row_of[at] ?? 0] ?? 0),
  }
}

/**
 * What the snapshot of a find saw of its predicate's transitions: all before `settled`, none from
 * `unseen` on, and of those between them what `sees` says.
 */
export interface Sight {
  readonly start: number
  readonly settled: number
  readonly unseen: number
  readonly end: number
  readonly sees: (transition: number) => boolean
}

/**
 * A transaction of before `xmin` is seen, one from `xmax` on is not, and between them one that was not
 * under way; its own never, since all is read before anything is written, and so by all its decisions.
 */
export const sightOf = (
  finds: Finds,
  find: number,
  own: number,
  { starts, xid }: Transitions,
): Sight => {
  const predicate = finds.predicate[find] ?? 0
  const [start, end] = [starts[predicate] ?? 0, starts[predicate + 1] ?? 0]
  const [xmin, xmax] = [finds.xmin[find] ?? 0, finds.xmax[find] ?? 0]
  const xip = finds.xip[find] ?? []
  // In an honest log a transaction is never older than its own snapshot; in a forged one it may be.
  const settled = firstFrom(xid, start, end, Math.min(xmin, own))
  return {
    start,
    settled,
    unseen: firstFrom(xid, settled, end, xmax),
    end,
    sees: (transition) => xid[transition] !== own && !xip.includes(xid[transition] ?? 0),
  }
}

/** How many answered to each find's predicate in its snapshot. */
export const answersOf = (history: History, transitions: Transitions): Float64Array => {
  const { finds, xid } = history
  const { entered } = transitions
  /** Of all predicates before and at each transition: differences say how many one predicate has. */
  const present = new Float64Array(entered.length + 1)
  const change = (at: number): number => (entered[at] === 1 ? 1 : -1)
  for (let at = 0; at < entered.length; at++) present[at + 1] = (present[at] ?? 0) + change(at)
  return Float64Array.from(finds.decision, (decision, find) => {
    const sight = sightOf(finds, find, xid[decision] ?? 0, transitions)
    let answers = (present[sight.settled] ?? 0) - (present[sight.start] ?? 0)
    for (let at = sight.settled; at < sight.unseen; at++) if (sight.sees(at)) answers += change(at)
    return answers
  })
}
