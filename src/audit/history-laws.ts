/** The laws that are held against the history of all decisions, and not against single tables. */
import type { Finding, HistoryLaw, LoadedHistory, Violation } from '../domain/audit-ports.ts'
import type { History, HistoryNames } from '../domain/history.ts'
import { components } from './components.ts'
import { partakers, serializationGraph } from './serialization-graph.ts'
import { shortestCycle } from './shortest-cycle.ts'
import { keyOf, tellCycle } from './tell-cycle.ts'
import { answersOf, transitionsOf, type Transitions } from './transitions.ts'
import { placesOfReads, versionOrder, type VersionOrder } from './version-order.ts'

/** A finding before anybody asked for names: only what is told is worth a query. */
interface Untold {
  readonly checked: number
  readonly unproven?: number
  readonly violated: number
  readonly decisions: readonly number[]
  readonly keys: readonly number[]
  readonly tell: (names: HistoryNames) => readonly Violation[]
}

/** The first rows that break a law, and how many do. */
const breaking = (
  rows: number,
  violations_max: number,
  breaks: (row: number) => boolean,
): { readonly violated: number; readonly shown: readonly number[] } => {
  const shown: number[] = []
  let violated = 0
  for (let row = 0; row < rows; row++) {
    if (!breaks(row)) continue
    violated += 1
    if (shown.length < violations_max) shown.push(row)
  }
  return { violated, shown }
}

/** G1a and G1b of Adya: nobody read what was never committed, or was not what a decision left. */
const readsWereWritten = (
  { reads, writes, kept_from }: History,
  order: VersionOrder,
  places: Int32Array,
  violations_max: number,
): Untold => {
  const rows = reads.decision.length
  let unproven = 0
  const { violated, shown } = breaking(rows, violations_max, (row) => {
    const [key, version] = [reads.key[row] ?? 0, reads.version[row] ?? 0]
    if (version === 0) return false
    const end = order.starts[key + 1] ?? 0
    let place = places[row] ?? 0
    while (place < end && order.versions[place] === version) {
      if ((writes.decision[order.rows[place] ?? 0] ?? -1) >= 0) return false
      place += 1
    }
    if (kept_from !== undefined && version < (kept_from[key] ?? 1)) {
      unproven += 1
      return false
    }
    return true
  })
  const decision = (row: number): number => reads.decision[row] ?? 0
  const key = (row: number): number => reads.key[row] ?? 0
  return {
    checked: rows - unproven,
    unproven,
    violated,
    decisions: shown.map(decision),
    keys: shown.map(key),
    tell: (names) =>
      shown.map((row) => ({
        subject: names.decision(decision(row)),
        what: `read ${names.key(key(row))} v${reads.version[row] ?? 0}, which no decision wrote`,
      })),
  }
}

const findsAreComplete = (
  history: History,
  transitions: Transitions,
  violations_max: number,
): Untold => {
  const { finds } = history
  const answers = answersOf(history, transitions)
  const said = (row: number): boolean => (finds.found[row] ?? -1) >= 0
  const { violated, shown } = breaking(
    answers.length,
    violations_max,
    (row) => said(row) && finds.found[row] !== answers[row],
  )
  return {
    checked: finds.found.reduce((count, found) => count + (found >= 0 ? 1 : 0), 0),
    unproven: history.unanswered ?? 0,
    violated,
    decisions: shown.map((row) => finds.decision[row] ?? 0),
    keys: [],
    tell: (names) =>
      shown.map((row) => ({
        subject: names.decision(finds.decision[row] ?? 0),
        what: `found ${finds.found[row] ?? 0} ${names.predicate(finds.predicate[row] ?? 0)}, its snapshot holds ${answers[row] ?? 0}`,
      })),
  }
}

const decisionsAreSerializable = (
  history: History,
  order: VersionOrder,
  places: Int32Array,
  transitions: Transitions,
  violations_max: number,
): Untold => {
  const partakes = partakers(history)
  const graph = serializationGraph(history, order, places, transitions, partakes)
  const tangles = components(graph)
    .map((nodes) => ({
      nodes,
      first: nodes.reduce((least, node) => Math.min(least, node)),
      decisions: nodes.reduce((count, node) => count + (node < graph.decisions ? 1 : 0), 0),
    }))
    .sort((a, b) => a.first - b.first)
  const shown = tangles
    .slice(0, violations_max)
    .map(({ nodes, decisions }) => ({ cycle: shortestCycle(graph, nodes), decisions }))
  return {
    checked: partakes.reduce((count, partakes) => count + partakes, 0),
    violated: tangles.length,
    decisions: shown.flatMap(({ cycle }) => cycle.map((step) => step.from)),
    keys: shown.flatMap(({ cycle }) => cycle.flatMap((step) => keyOf(step, history) ?? [])),
    tell: (names) =>
      shown.map(({ cycle, decisions }) => tellCycle(cycle, decisions, history, order, names)),
  }
}

/** Holds every law of the history against it. */
export const holdHistory = async (
  { history, names }: LoadedHistory,
  violations_max: number,
): Promise<Readonly<Record<HistoryLaw, Finding>>> => {
  const order = versionOrder(history.writes, history.keys)
  const places = placesOfReads(order, history.reads)
  const transitions = transitionsOf(history, order)
  const untold: Readonly<Record<HistoryLaw, Untold>> = {
    reads_were_written: readsWereWritten(history, order, places, violations_max),
    finds_are_complete: findsAreComplete(history, transitions, violations_max),
    decisions_are_serializable: decisionsAreSerializable(
      history,
      order,
      places,
      transitions,
      violations_max,
    ),
  }
  const all = Object.values(untold)
  const named = await names(
    all.flatMap(({ decisions }) => decisions),
    all.flatMap(({ keys }) => keys),
  )
  const told = ({ checked, unproven = 0, violated, tell }: Untold): Finding => ({
    checked,
    violated,
    violations: tell(named),
    ...(unproven > 0 ? { unproven } : {}),
  })
  return {
    reads_were_written: told(untold.reads_were_written),
    finds_are_complete: told(untold.finds_are_complete),
    decisions_are_serializable: told(untold.decisions_are_serializable),
  }
}
