/**
 * The direct serialization graph (Adya, 1999) of a log: who must come before whom in any serial order.
 *
 *   ww  who wrote a version        before who wrote the next one
 *   wr  who wrote a version        before each who read it
 *   rw  who read a version         before who wrote the next one; absence is version 0
 *   the same for a predicate: who entered or left it before each who saw that, and each who did not
 *   see it before who did it.
 *
 * The decisions are serializable if and only if no two of them reach each other.
 *
 * Drawn edge by edge, a predicate that everybody asks for and everybody enters costs their product. So
 * nodes that are no decisions stand for many edges at once. They make no false cycle, since they are
 * laid so that a path over such nodes alone from a decision x to a decision y is there only if x to y
 * is an edge, or x is y. Hence whatever walk leads through two decisions and back is, its standstills
 * left out, a cycle of true edges; and a component that holds only one decision means nothing.
 */
import type { History, Writes } from '../domain/history.ts'
import { edgeList, no_reason, type EdgeList, type Graph } from './adjacency.ts'
import { sightOf, type Transitions } from './transitions.ts'
import type { VersionOrder } from './version-order.ts'

const kinds = ['ww', 'wr', 'rw', 'saw', 'missed'] as const

/** `saw` and `missed`: what wr and rw are where a predicate was read. */
export interface Reason {
  readonly kind: (typeof kinds)[number]
  /** The row that shows it: of `writes` (ww, the earlier version), `reads` or `finds`. */
  readonly row: number
}

const [ww, wr, rw, saw, missed] = [0, 1, 2, 3, 4] as const
const numbered = (kind: number, row: number): number => row * kinds.length + kind

/** What the number says that an edge of the graph carries. */
export const reasonOf = (reason: number): Reason => ({
  kind: kinds[reason % kinds.length] ?? 'ww',
  row: Math.floor(reason / kinds.length),
})

/** A decision whose every entry was taken back before it had an effect is no part of the order: 0. */
export const partakers = (history: History): Uint8Array => {
  const { key, decision, withdrawn } = history.writes
  const wrote = new Uint8Array(history.decisions)
  const kept = new Uint8Array(history.decisions)
  for (let row = 0; row < key.length; row++) {
    const writer = decision[row] ?? -1
    if (writer < 0 || (key[row] ?? 0) >= history.resources) continue
    wrote[writer] = 1
    if (withdrawn[row] === 0) kept[writer] = 1
  }
  return wrote.map((any, at) => (any === 0 ? 1 : (kept[at] ?? 0)))
}

/** Who stands for the writers of a version, by the place where it begins. -1: nobody. */
interface Writers {
  /** Leads to all who must come after those who wrote this version. Withdrawn or not: it was read. */
  readonly after: Int32Array
  /** Leads from all who must come before those who wrote the first version from here on that stayed. */
  readonly before: Int32Array
}

const isWriter = (writes: Writes, partakes: Uint8Array, row: number): boolean => {
  const writer = writes.decision[row] ?? -1
  return writer >= 0 && partakes[writer] === 1
}

/**
 * One writer stands for himself. Where a transaction of several decisions wrote a version, one node
 * leads from all of them, and another one to all of them; they are not ordered among each other. The
 * one has edges from the writers of this version alone and the other only to them: see above.
 */
const joined = (edges: EdgeList, writers: readonly number[], way: 'from' | 'to'): number => {
  if (writers.length < 2) return writers[0] ?? -1
  const node = edges.addNode()
  for (const writer of writers) {
    if (way === 'from') edges.addEdge(writer, node, no_reason)
    else edges.addEdge(node, writer, no_reason)
  }
  return node
}

/** Finds the writers of every version, and draws ww on the way. */
const drawWrites = (
  { writes, keys }: History,
  { rows, versions, starts }: VersionOrder,
  partakes: Uint8Array,
  edges: EdgeList,
): Writers => {
  const after = new Int32Array(rows.length).fill(-1)
  const before = new Int32Array(rows.length).fill(-1)
  const all: number[] = []
  const kept: number[] = []
  for (let key = 0; key < keys; key++) {
    const start = starts[key] ?? 0
    let later = -1
    for (let place = (starts[key + 1] ?? 0) - 1; place >= start; place--) {
      const row = rows[place] ?? 0
      if (isWriter(writes, partakes, row)) {
        all.push(writes.decision[row] ?? -1)
        if (writes.withdrawn[row] === 0) kept.push(writes.decision[row] ?? -1)
      }
      if (place > start && versions[place - 1] === versions[place]) continue
      const writers = joined(edges, all, 'from')
      if (kept.length > 0) {
        edges.addEdge(writers, later, numbered(ww, row))
        later = joined(edges, kept, 'to')
      }
      after[place] = writers
      before[place] = later
      all.length = kept.length = 0
    }
  }
  return { after, before }
}

const drawReads = (
  { reads }: History,
  order: VersionOrder,
  places: Int32Array,
  { after, before }: Writers,
  partakes: Uint8Array,
  edges: EdgeList,
): void => {
  for (let row = 0; row < places.length; row++) {
    const reader = reads.decision[row] ?? 0
    if (partakes[reader] === 0) continue
    const version = reads.version[row] ?? 0
    const end = order.starts[(reads.key[row] ?? 0) + 1] ?? 0
    let place = places[row] ?? 0
    if (place < end && order.versions[place] === version) {
      edges.addEdge(after[place] ?? -1, reader, numbered(wr, row))
    }
    while (place < end && order.versions[place] === version) place += 1
    if (place < end) edges.addEdge(reader, before[place] ?? -1, numbered(rw, row))
  }
}

/**
 * Two chains along the transitions of each predicate, in the order of their transactions. `upTo(t)` is
 * led to by whoever did t or an earlier one, and leads to those who saw all of them; `from(t)` leads to
 * whoever did t or a later one, and is led to by those who saw none of them. The chains do not meet,
 * and who hangs on `upTo(t)` saw every transition before it: see above. Only what was under way in a
 * find's snapshot gets an edge of its own.
 */
const drawPredicates = (
  history: History,
  transitions: Transitions,
  partakes: Uint8Array,
  edges: EdgeList,
): void => {
  const { finds, xid } = history
  const { starts, decision, withdrawn } = transitions
  const writer = (at: number): number => {
    const by = decision[at] ?? 0
    return partakes[by] === 1 && withdrawn[at] === 0 ? by : -1
  }
  const upTo = Int32Array.from(decision, edges.addNode)
  const from = Int32Array.from(decision, edges.addNode)
  for (let predicate = 0; predicate < history.predicates; predicate++) {
    const [start, end] = [starts[predicate] ?? 0, starts[predicate + 1] ?? 0]
    for (let at = start; at < end; at++) {
      edges.addEdge(writer(at), upTo[at] ?? -1, no_reason)
      edges.addEdge(from[at] ?? -1, writer(at), no_reason)
      if (at === start) continue
      edges.addEdge(upTo[at - 1] ?? -1, upTo[at] ?? -1, no_reason)
      edges.addEdge(from[at - 1] ?? -1, from[at] ?? -1, no_reason)
    }
  }
  for (let find = 0; find < finds.decision.length; find++) {
    const reader = finds.decision[find] ?? 0
    if (partakes[reader] === 0) continue
    const { start, settled, unseen, end, sees } = sightOf(
      finds,
      find,
      xid[reader] ?? 0,
      transitions,
    )
    if (settled > start) edges.addEdge(upTo[settled - 1] ?? -1, reader, numbered(saw, find))
    if (unseen < end) edges.addEdge(reader, from[unseen] ?? -1, numbered(missed, find))
    for (let at = settled; at < unseen; at++) {
      if (sees(at)) edges.addEdge(writer(at), reader, numbered(saw, find))
      else edges.addEdge(reader, writer(at), numbered(missed, find))
    }
  }
}

/** `read_places`: see `placesOfReads`. Ww edges come first: who has the choice tells the plainest reason. */
export const serializationGraph = (
  history: History,
  order: VersionOrder,
  read_places: Int32Array,
  transitions: Transitions,
  partakes: Uint8Array,
): Graph => {
  const edges = edgeList(history.decisions)
  const writers = drawWrites(history, order, partakes, edges)
  drawReads(history, order, read_places, writers, partakes, edges)
  drawPredicates(history, transitions, partakes, edges)
  return edges.graph()
}
