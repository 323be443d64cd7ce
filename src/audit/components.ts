/**
 * Strongly connected components: Tarjan, Depth-first search and linear graph algorithms (1972). The
 * stack is an array, since a log is one chain of a million decisions as soon as they share a counter.
 */
import type { Graph } from './adjacency.ts'

/** Nodes that all reach each other, of which at least two are decisions; ascending. */
export type Component = readonly number[]

/** Later than any node on the stack: edges into what is told already mean nothing. */
const told = 2 ** 31 - 1

/** Every component with two decisions or more, in linear time. */
export const components = (graph: Graph): readonly Component[] => {
  const { nodes, starts, targets } = graph
  const found: Component[] = []
  /** 0: not seen yet; else the order in which nodes were seen, or `told` with the node's component. */
  const seen = new Int32Array(nodes)
  /** The earliest node on the stack that is known to be reached. */
  const low = new Int32Array(nodes)
  const edge = starts.slice(0, nodes)
  const open = new Int32Array(nodes)
  const way = new Int32Array(nodes)
  let open_count = 0
  let order = 0

  const close = (root: number): void => {
    const from = open_count
    let decisions = 0
    let node: number
    do {
      node = open[--open_count] ?? 0
      seen[node] = told
      if (node < graph.decisions) decisions += 1
    } while (node !== root)
    if (decisions > 1) found.push([...open.subarray(open_count, from).sort()])
  }

  const enter = (node: number): void => {
    seen[node] = low[node] = ++order
    open[open_count++] = node
  }

  for (let start = 0; start < nodes; start++) {
    if (seen[start] !== 0) continue
    let depth = 0
    way[0] = start
    enter(start)
    while (depth >= 0) {
      const node = way[depth] ?? 0
      const at = edge[node] ?? 0
      if (at < (starts[node + 1] ?? 0)) {
        edge[node] = at + 1
        const target = targets[at] ?? 0
        const target_seen = seen[target] ?? 0
        if (target_seen === 0) {
          enter(target)
          way[++depth] = target
        } else if (target_seen < (low[node] ?? 0)) low[node] = target_seen
        continue
      }
      const lowest = low[node] ?? 0
      depth -= 1
      if (lowest === seen[node]) close(node)
      else if (depth >= 0) {
        const parent = way[depth] ?? 0
        low[parent] = Math.min(low[parent] ?? 0, lowest)
      }
    }
  }
  return found
}
