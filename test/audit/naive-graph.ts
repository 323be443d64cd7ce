/**
 * The serialization graph by its definition, each pair of decisions asked for itself: slow, and with
 * nothing in common with the one that is tested.
 */
import { answersOf, snapshotOf, versionOf, xidOf, type Told } from './told-history.ts'

interface Write {
  readonly by: number
  readonly key: string
  readonly version: number
  readonly answers: readonly string[]
  readonly withdrawn: boolean
}

const allWrites = (history: readonly Told[]): readonly Write[] =>
  history.flatMap((told, by) =>
    Object.entries(told.writes ?? {}).map(([key, write]) => ({
      by,
      key,
      version: versionOf(write),
      answers: answersOf(write),
      withdrawn: told.withdrawn?.includes(key) === true,
    })),
  )

const isCounter = (key: string): boolean => key.startsWith('#')

const sees = (history: readonly Told[], reader: number, writer: number): boolean => {
  const told = history[reader] ?? {}
  const { xmin, xmax, xip } = snapshotOf(told, reader)
  const xid = xidOf(history[writer] ?? {}, writer)
  return xid !== xidOf(told, reader) && (xid < xmin || (xid < xmax && !xip.includes(xid)))
}

/** `edges[a][b]`: a must come before b. */
export const naiveGraph = (history: readonly Told[]): readonly (readonly boolean[])[] => {
  const writes = allWrites(history)
  const partakes = history.map((_, by) => {
    const entries = writes.filter((w) => w.by === by && !isCounter(w.key))
    return entries.length === 0 || entries.some((w) => !w.withdrawn)
  })
  const stayed = writes.filter((w) => partakes[w.by] === true && !w.withdrawn)
  const followers = (key: string, version: number): readonly Write[] => {
    const later = stayed.filter((w) => w.key === key && w.version > version)
    const next = Math.min(...later.map((w) => w.version))
    return later.filter((w) => w.version === next)
  }
  const edges = history.map(() => history.map(() => false))
  const draw = (from: number, to: number): void => {
    const row = edges[from]
    if (row !== undefined && from !== to && partakes[from] === true && partakes[to] === true) {
      row[to] = true
    }
  }
  for (const w of stayed) {
    for (const next of followers(w.key, w.version)) {
      // Of a version that several wrote, one who was withdrawn is read still, and followed.
      for (const peer of writes) {
        if (peer.key === w.key && peer.version === w.version) draw(peer.by, next.by)
      }
    }
  }
  history.forEach((told, reader) => {
    for (const [key, version] of Object.entries(told.reads ?? {})) {
      for (const w of writes) if (w.key === key && w.version === version) draw(w.by, reader)
      for (const next of followers(key, version)) draw(reader, next.by)
    }
    for (const predicate of Object.keys(told.finds ?? {})) {
      for (const w of writes) {
        const before = writes
          .filter((o) => o.key === w.key && o.version < w.version)
          .toSorted((a, b) => b.version - a.version)[0]
        const moved =
          w.answers.includes(predicate) !== (before?.answers.includes(predicate) ?? false)
        if (!moved || w.withdrawn || isCounter(w.key)) continue
        if (sees(history, reader, w.by)) draw(w.by, reader)
        else draw(reader, w.by)
      }
    }
  })
  return edges
}

/** How many steps each decision needs to reach each other one; of itself: to come back. */
export const distances = (
  edges: readonly (readonly boolean[])[],
): readonly (readonly number[])[] => {
  const far = edges.map((row) => row.map((edge) => (edge ? 1 : Infinity)))
  for (const via of far.keys()) {
    for (const row of far) {
      for (const to of far.keys()) {
        row[to] = Math.min(
          row[to] ?? Infinity,
          (row[via] ?? Infinity) + (far[via]?.[to] ?? Infinity),
        )
      }
    }
  }
  return far
}
