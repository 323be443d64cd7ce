/** A directed graph in typed arrays: the edges of a node lie side by side. */
import { int32Column } from '../domain/column.ts'
import { groupStarts } from './version-order.ts'

export interface Graph {
  /** Nodes below this number are decisions. The others stand for many edges at once. */
  readonly decisions: number
  readonly nodes: number
  /** The first edge of each node, and behind the last node the number of edges. */
  readonly starts: Int32Array
  readonly targets: Int32Array
  /** Why each edge is there; -1: it only leads to or from a node that stands for many. */
  readonly reasons: Int32Array
}

export const no_reason = -1

/** Collects edges, then lays them side by side; edges of a node keep the order in which they came. */
export const edgeList = (decisions: number) => {
  let nodes = decisions
  const from = int32Column()
  const to = int32Column()
  const reasons = int32Column()
  return {
    /** A node that stands for many edges; see serialization-graph.ts for what it may stand for. */
    addNode: (): number => nodes++,
    /** -1 is nobody, and nobody depends on himself. */
    addEdge: (source: number, target: number, reason: number): void => {
      if (source < 0 || target < 0 || source === target) return
      from.push(source)
      to.push(target)
      reasons.push(reason)
    },
    graph: (): Graph => adjacent(decisions, nodes, from.done(), to.done(), reasons.done()),
  }
}

export type EdgeList = ReturnType<typeof edgeList>

const adjacent = (
  decisions: number,
  nodes: number,
  from: Int32Array,
  to: Int32Array,
  why: Int32Array,
): Graph => {
  const starts = groupStarts(from, nodes)
  const next = starts.slice()
  const targets = new Int32Array(from.length)
  const reasons = new Int32Array(from.length)
  for (let edge = 0; edge < from.length; edge++) {
    const source = from[edge] ?? 0
    const at = next[source] ?? 0
    next[source] = at + 1
    targets[at] = to[edge] ?? 0
    reasons[at] = why[edge] ?? 0
  }
  return { decisions, nodes, starts, targets, reasons }
}
