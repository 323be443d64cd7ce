/** Where each node of a graph of what waits stands: layers from left to right, who waits for nobody first. */

export interface Edge {
  readonly from: number
  readonly to: number
}

export interface Placed {
  readonly id: number
  readonly layer: number
  /** From the top of its layer. */
  readonly place: number
}

const meanOf = (of: readonly number[], none: number): number =>
  of.length === 0 ? none : of.reduce((sum, one) => sum + one, 0) / of.length

/** The longest way to somebody who waits for nobody. (There are no circles; were there one, it would end here.) */
const layersOf = (
  ids: readonly number[],
  waitsFor: ReadonlyMap<number, readonly number[]>,
): ReadonlyMap<number, number> => {
  const layers = new Map<number, number>()
  let left = [...ids]
  for (let layer = 0; left.length > 0; layer++) {
    const free = left.filter((id) => (waitsFor.get(id) ?? []).every((first) => layers.has(first)))
    const now = free.length === 0 ? left : free
    for (const id of now) layers.set(id, layer)
    left = left.filter((id) => !layers.has(id))
  }
  return layers
}

/** Within a layer those stand side by side that wait for the same. */
export const layOut = (ids: readonly number[], edges: readonly Edge[]): readonly Placed[] => {
  const known = new Set(ids)
  const waitsFor = new Map<number, number[]>()
  for (const { from, to } of edges) {
    if (!known.has(from) || !known.has(to) || from === to) continue
    waitsFor.set(from, [...(waitsFor.get(from) ?? []), to])
  }
  const layers = layersOf(ids, waitsFor)
  const placed = new Map<number, Placed>()
  const deepest = Math.max(-1, ...layers.values())
  for (let layer = 0; layer <= deepest; layer++) {
    ids
      .filter((id) => layers.get(id) === layer)
      .map((id, i) => ({
        id,
        near: meanOf(
          (waitsFor.get(id) ?? []).map((first) => placed.get(first)?.place ?? 0),
          i,
        ),
      }))
      .toSorted((a, b) => a.near - b.near || a.id - b.id)
      .forEach(({ id }, place) => {
        placed.set(id, { id, layer, place })
      })
  }
  return [...placed.values()]
}

/** Without the edges that a longer way says already: who waits for the second of a chain waits for its first too. */
export const reduced = <E extends Edge>(edges: readonly E[]): readonly E[] => {
  const waitsFor = new Map<number, number[]>()
  for (const { from, to } of edges) waitsFor.set(from, [...(waitsFor.get(from) ?? []), to])
  const reached = new Map<number, ReadonlySet<number>>()
  /** All that a node waits for, and they in turn. */
  const reach = (id: number): ReadonlySet<number> => {
    const known = reached.get(id)
    if (known !== undefined) return known
    // Before the walk, so that a circle ends here.
    reached.set(id, new Set())
    const found = new Set((waitsFor.get(id) ?? []).flatMap((next) => [next, ...reach(next)]))
    reached.set(id, found)
    return found
  }
  return edges.filter(
    ({ from, to }) =>
      !(waitsFor.get(from) ?? []).some((next) => next !== to && reach(next).has(to)),
  )
}
