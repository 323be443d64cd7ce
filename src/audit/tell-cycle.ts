/** A cycle in words: who read what, and who wrote it meanwhile. */
import type { Violation } from '../domain/audit-ports.ts'
import type { History, HistoryNames } from '../domain/history.ts'
import { reasonOf } from './serialization-graph.ts'
import type { Step } from './shortest-cycle.ts'
import { placeOf, type VersionOrder } from './version-order.ts'

/** Of a long cycle its beginning is told. */
const steps_told_max = 12

/** What a cycle is called in the literature (Adya, 1999), by the edges that close it. */
const anomaly = (cycle: readonly Step[]): string => {
  const kinds = cycle.map((step) => reasonOf(step.reason).kind)
  const overtaken = kinds.filter((kind) => kind === 'rw' || kind === 'missed').length
  if (overtaken > 1) return kinds.includes('missed') ? 'phantom (G2)' : 'write skew (G2-item)'
  if (overtaken === 1) return 'read overtaken by a write (G-single)'
  return kinds.every((kind) => kind === 'ww')
    ? 'writes in a circle (G0)'
    : 'reads in a circle (G1c)'
}

/** The resource or counter that a step is about; null: a predicate. */
export const keyOf = ({ reason }: Step, { writes, reads }: History): number | null => {
  const { kind, row } = reasonOf(reason)
  if (kind === 'ww') return writes.key[row] ?? null
  return kind === 'wr' || kind === 'rw' ? (reads.key[row] ?? null) : null
}

/** What the two decisions of a step did: the first, and then the second. */
const deeds = (
  { to, reason }: Step,
  { writes, reads, finds }: History,
  order: VersionOrder,
  names: HistoryNames,
): readonly [string, string] => {
  const { kind, row } = reasonOf(reason)
  const later = (key: number, version: number): string => {
    const end = order.starts[key + 1] ?? 0
    let place = placeOf(order, key, version + 1)
    while (place < end && writes.decision[order.rows[place] ?? -1] !== to) place += 1
    return `wrote v${order.versions[place] ?? version + 1}`
  }
  switch (kind) {
    case 'ww': {
      const [key, version] = [writes.key[row] ?? 0, writes.version[row] ?? 0]
      return [`wrote ${names.key(key)} v${version}`, later(key, version)]
    }
    case 'wr': {
      const [key, version] = [reads.key[row] ?? 0, reads.version[row] ?? 0]
      return [`wrote ${names.key(key)} v${version}`, 'read it']
    }
    case 'rw': {
      const [key, version] = [reads.key[row] ?? 0, reads.version[row] ?? 0]
      return [`read ${names.key(key)} v${version}`, later(key, version)]
    }
    case 'saw': {
      const answers = names.predicate(finds.predicate[row] ?? 0)
      return [`changed which ${answers} there are`, 'saw it']
    }
    case 'missed': {
      const answers = names.predicate(finds.predicate[row] ?? 0)
      return [`looked for ${answers}`, 'changed which there are']
    }
  }
}

/** `a read vm/x v0 -> b wrote v1, read vm/y v0 -> a wrote v1`: each arrow points at who comes later. */
export const tellCycle = (
  cycle: readonly Step[],
  among: number,
  history: History,
  order: VersionOrder,
  names: HistoryNames,
): Violation => {
  const told = cycle.slice(0, steps_told_max)
  let what = ''
  for (const [at, step] of told.entries()) {
    const [first, second] = deeds(step, history, order, names)
    what += at === 0 ? `${names.decision(step.from)} ${first}` : `, ${first}`
    what += ` -> ${names.decision(step.to)} ${second}`
  }
  const untold = cycle.length - told.length
  const tangled = among > cycle.length ? `, in a tangle of ${among}` : ''
  return {
    subject: `${cycle.length} decisions in a circle${tangled}, ${anomaly(cycle)}`,
    what: untold > 0 ? `${what}, and ${untold} more until the first` : what,
  }
}
