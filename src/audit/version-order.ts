/** The versions of each key in their order. It is a fact of the log, so no search has to infer it. */
import type { Reads, Writes } from '../domain/history.ts'

/** Places are positions in the order: by key, and by version within it. */
export interface VersionOrder {
  /** The row of `Writes` at each place. */
  readonly rows: Int32Array
  /** The version at each place. */
  readonly versions: Float64Array
  /** The first place of each key, and behind the last key the number of places. */
  readonly starts: Int32Array
}

/** Positions where each group begins when rows are sorted by group, and the end behind the last. */
export const groupStarts = (group: Int32Array, groups: number): Int32Array => {
  const starts = new Int32Array(groups + 1)
  for (const g of group) starts[g + 1] = (starts[g + 1] ?? 0) + 1
  for (let g = 0; g < groups; g++) starts[g + 1] = (starts[g + 1] ?? 0) + (starts[g] ?? 0)
  return starts
}

/** Rows sorted by group and then by `value`: stable, and linear where groups come in order already. */
export const sortedRows = (
  group: Int32Array,
  starts: Int32Array,
  value: (row: number) => number,
): Int32Array => {
  const next = starts.slice()
  const rows = new Int32Array(group.length)
  for (let row = 0; row < group.length; row++) {
    const at = group[row] ?? 0
    const place = next[at] ?? 0
    rows[place] = row
    next[at] = place + 1
  }
  for (let g = 0; g + 1 < starts.length; g++) {
    const end = starts[g + 1] ?? 0
    for (let place = (starts[g] ?? 0) + 1; place < end; place++) {
      if (value(rows[place - 1] ?? 0) <= value(rows[place] ?? 0)) continue
      rows.subarray(starts[g], end).sort((a, b) => value(a) - value(b) || a - b)
      break
    }
  }
  return rows
}

export const versionOrder = (writes: Writes, keys: number): VersionOrder => {
  const starts = groupStarts(writes.key, keys)
  const rows = sortedRows(writes.key, starts, (row) => writes.version[row] ?? 0)
  const versions = new Float64Array(rows.length)
  for (let place = 0; place < rows.length; place++) {
    versions[place] = writes.version[rows[place] ?? 0] ?? 0
  }
  return { rows, versions, starts }
}

/** The first place from `start` on, before `end`, whose value is at least this; else `end`. */
export const firstFrom = (
  sorted: Float64Array,
  start: number,
  end: number,
  value: number,
): number => {
  let low = start
  let high = end
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Where a version of a key begins, or the first one above it; the end of the key where there is none. */
export const placeOf = (order: VersionOrder, key: number, version: number): number =>
  firstFrom(order.versions, order.starts[key] ?? 0, order.starts[key + 1] ?? 0, version)

/** `placeOf` of each version that was read: asked by two laws, and a miss of the cache each time. */
export const placesOfReads = (order: VersionOrder, { key, version }: Reads): Int32Array =>
  // Not `from`, which takes five times as long.
  key.map((at, row) => placeOf(order, at, version[row] ?? 0))
