/** The shortest cycle of a component, counted in decisions: the plainest proof that there is no order. */
import { no_reason, type Graph } from './adjacency.ts'
import type { Component } from './components.ts'

/** An edge between two decisions. */
export interface Step {
  readonly from: number
  readonly to: number
  readonly reason: number
}

/** A search ends here and tells the shortest cycle seen: in edges looked at. */
const search_edges_max = 20_000_000

/**
 * How each node of a component was reached. Places are positions in the component; a second set of
 * them, behind the first, is for nodes that were reached before any second decision: the same node
 * may lead the first decision to the second, and the second one back.
 */
interface Search {
  readonly graph: Graph
  readonly component: Component
  /** The position of each node of the graph in the component; -1: not in it. */
  readonly position: Int32Array
  /** The search that reached each place last. Cleared anew for each, a large component took for ever. */
  readonly reached: Int32Array
  /** The place from which it was reached. */
  readonly parent: Int32Array
  /** The edge by which it was reached. */
  readonly by: Int32Array
  looked_at: number
}

/** The way back from the last edge to the first node, nodes that are no decisions left out. */
const stepsBack = (search: Search, start: number, last: number, last_edge: number): Step[] => {
  const { graph, component, parent, by } = search
  const steps: Step[] = []
  let to = component[start] ?? 0
  let reason = no_reason
  for (let at = last, edge = last_edge; ;) {
    // Of the edges between two decisions exactly one says why; the others lead to it or from it.
    const told = graph.reasons[edge] ?? no_reason
    if (told !== no_reason) reason = told
    const node = component[at % component.length] ?? 0
    if (node < graph.decisions) {
      steps.push({ from: node, to, reason })
      to = node
    }
    if (at === start) return steps.reverse()
    edge = by[at] ?? 0
    at = parent[at] ?? 0
  }
}

/** The shortest cycle through a decision with fewer decisions than `length_max`, if there is one. */
const cycleThrough = (
  search: Search,
  start: number,
  length_max: number,
): readonly Step[] | null => {
  const { graph, component, position, reached, parent, by } = search
  const this_search = start + 1
  reached[start] = this_search
  let wave = [start]
  for (let length = 1; length < length_max && wave.length > 0; length++) {
    const next: number[] = []
    // The wave grows meanwhile: nodes that are no decisions cost no length.
    for (const at of wave) {
      const node = component[at % component.length] ?? 0
      const end = graph.starts[node + 1] ?? 0
      for (let edge = graph.starts[node] ?? 0; edge < end; edge++) {
        search.looked_at += 1
        const target = graph.targets[edge] ?? 0
        const there = position[target] ?? -1
        // Back at once, over nodes that are no decisions: a standstill, no cycle.
        if (there === start && length > 1) return stepsBack(search, start, at, edge)
        const early = length === 1 && target >= graph.decisions
        const to = early ? there + component.length : there
        if (there < 0 || reached[to] === this_search) continue
        reached[to] = this_search
        parent[to] = at
        by[to] = edge
        if (target < graph.decisions) next.push(to)
        else wave.push(to)
      }
    }
    wave = next
  }
  return null
}

/**
 * Breadth first from each decision in turn, never deeper than the shortest cycle so far. Damage that
 * ties a whole log into one component must not keep the audit for hours: then a short one is told.
 */
export const shortestCycle = (graph: Graph, component: Component): readonly Step[] => {
  const position = new Int32Array(graph.nodes).fill(-1)
  component.forEach((node, at) => (position[node] = at))
  const search: Search = {
    graph,
    component,
    position,
    reached: new Int32Array(component.length * 2),
    parent: new Int32Array(component.length * 2),
    by: new Int32Array(component.length * 2),
    looked_at: 0,
  }
  let best: readonly Step[] = []
  for (const [at, node] of component.entries()) {
    if (node >= graph.decisions) continue
    const length_max = best.length === 0 ? Infinity : best.length
    best = cycleThrough(search, at, length_max) ?? best
    if (best.length === 2 || search.looked_at > search_edges_max) break
  }
  return best
}
