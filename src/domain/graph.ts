/** Order among things that need each other. Linear in nodes and edges, and without recursion: chains get deep. */
import * as E from 'fp-ts/lib/Either.js'

export interface GraphNode {
  readonly id: string
  /** Ids of what must be there before. Ids that no node has are taken to be there already. */
  readonly needs: readonly string[]
}

/** Ids that need each other in a ring, each the next one, the last one the first. */
export type Cycle = readonly string[]

/** A search for the shortest cycle ends here and tells the shortest one seen: in edges looked at. */
const search_edges_max = 2_000_000

/** The count at a place, after this much was added to it. */
const counted = (counts: number[], at: number, more: number): number => {
  const count = (counts[at] ?? 0) + more
  counts[at] = count
  return count
}

/** Edges as positions: `edges[i]` holds the positions of what node i needs. */
const edgesOf = (nodes: readonly GraphNode[]): readonly (readonly number[])[] => {
  const position = new Map<string, number>()
  nodes.forEach((node, at) => position.set(node.id, at))
  return nodes.map(({ needs }) =>
    [...new Set(needs)].flatMap((id) => {
      const at = position.get(id)
      return at === undefined ? [] : [at]
    }),
  )
}

/**
 * Every node after all that it needs; where that leaves a choice, in the order given, and an order
 * that is already right stays as it is. Left: a cycle, the shortest there is.
 */
export const topologicalOrder = <N extends GraphNode>(
  nodes: readonly N[],
): E.Either<Cycle, readonly N[]> => {
  const edges = edgesOf(nodes)
  const state = new Uint8Array(nodes.length) // 0 unseen, 1 on the way, 2 placed
  const next: number[] = nodes.map(() => 0) // how many needs of each were looked at
  const order: N[] = []
  for (let start = 0; start < nodes.length; start++) {
    const way = state[start] === 0 ? [start] : []
    state[start] ||= 1
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const need = edges[at]?.[counted(next, at, 1) - 1]
      if (need === undefined) {
        state[at] = 2
        way.pop()
        const node = nodes[at]
        if (node !== undefined) order.push(node)
      } else if (state[need] === 0) {
        state[need] = 1
        way.push(need)
      } else if (state[need] === 1) {
        return E.left(shortestCycle(edges).map((member) => nodes[member]?.id ?? ''))
      }
    }
  }
  return E.right(order)
}

/** The order in which things can be taken away: whatever needs a thing goes before it. */
export const deletionOrder = <N extends GraphNode>(
  nodes: readonly N[],
): E.Either<Cycle, readonly N[]> =>
  E.map((order: readonly N[]) => order.toReversed())(topologicalOrder(nodes))

/** Nodes in waves: those of one wave need only nodes of earlier waves, and could be done at once. */
export const levels = <N extends GraphNode>(
  nodes: readonly N[],
): E.Either<Cycle, readonly (readonly N[])[]> => {
  const ordered = topologicalOrder(nodes)
  if (E.isLeft(ordered)) return ordered
  const height = new Map<string, number>()
  for (const node of ordered.right) {
    let level = 0
    for (const id of node.needs) level = Math.max(level, (height.get(id) ?? -1) + 1)
    height.set(node.id, level)
  }
  const waves: N[][] = []
  for (const node of nodes) (waves[height.get(node.id) ?? 0] ??= []).push(node)
  return E.right(waves)
}

/**
 * The shortest cycle among nodes of which at least one lies on a cycle. After all cycles through a
 * node were looked at, the node is taken out and with it everything that then lies on no cycle, so
 * that one long ring costs one search.
 */
const shortestCycle = (edges: readonly (readonly number[])[]): readonly number[] => {
  const core = coreOf(edges)
  let best: readonly number[] = []
  let looked = 0
  for (let start = 0; start < edges.length; start++) {
    if (!core.has(start)) continue
    const limit = best.length === 0 ? Infinity : best.length - 1
    const search = cycleThrough(edges, core, start, limit)
    looked += search.looked
    if (search.cycle.length > 0) best = search.cycle
    if (best.length === 1 || (best.length > 0 && looked > search_edges_max)) break
    core.remove(start)
  }
  return best
}

interface Core {
  readonly has: (node: number) => boolean
  readonly remove: (node: number) => void
}

/** The nodes that have both a need and a needer among themselves; all cycles are in there. */
const coreOf = (edges: readonly (readonly number[])[]): Core => {
  const alive = new Uint8Array(edges.length).fill(1)
  const needers: number[][] = edges.map(() => [])
  edges.forEach((needs, at) => {
    for (const need of needs) needers[need]?.push(at)
  })
  const needs_left = edges.map((needs) => needs.length)
  const needers_left = needers.map((list) => list.length)
  const remove = (...gone: number[]): void => {
    for (let node = gone.pop(); node !== undefined; node = gone.pop()) {
      if (alive[node] === 0) continue
      alive[node] = 0
      for (const need of edges[node] ?? [])
        if (counted(needers_left, need, -1) === 0) gone.push(need)
      for (const needer of needers[node] ?? [])
        if (counted(needs_left, needer, -1) === 0) gone.push(needer)
    }
  }
  for (let node = 0; node < edges.length; node++)
    if (needs_left[node] === 0 || needers_left[node] === 0) remove(node)
  return { has: (node) => alive[node] === 1, remove }
}

/** The shortest cycle through `start` with at most `limit` nodes, by breadth; empty: there is none. */
const cycleThrough = (
  edges: readonly (readonly number[])[],
  core: Core,
  start: number,
  limit: number,
): { readonly cycle: readonly number[]; readonly looked: number } => {
  const from = new Map<number, number>()
  let wave = [start]
  let looked = 0
  for (let length = 1; wave.length > 0 && length <= limit; length++) {
    const following: number[] = []
    for (const at of wave)
      for (const need of edges[at] ?? []) {
        looked++
        if (need === start) return { cycle: trail(from, start, at), looked }
        if (!core.has(need) || from.has(need)) continue
        from.set(need, at)
        following.push(need)
      }
    wave = following
  }
  return { cycle: [], looked }
}

const trail = (
  from: ReadonlyMap<number, number>,
  start: number,
  end: number,
): readonly number[] => {
  const back = [end]
  for (let at = end; at !== start;) {
    at = from.get(at) ?? start
    back.push(at)
  }
  return back.toReversed()
}
