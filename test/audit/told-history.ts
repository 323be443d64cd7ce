/** Histories as a test tells them, and their columns of numbers as the store would load them. */
import type { LoadedHistory } from '../../src/domain/audit-ports.ts'

/** A decision. Keys that begin with # are counters. Names of decisions are their positions: A, B, C … */
export interface Told {
  /** Its transaction; unless told, its position + 1. */
  readonly xid?: number
  /** Versions by key; 0: it was absent. */
  readonly reads?: Readonly<Record<string, number>>
  /** Versions by key, or with the predicates that the resource answers to from then on. */
  readonly writes?: Readonly<Record<string, number | readonly [number, ...string[]]>>
  /** Keys whose version was taken back before it had an effect. */
  readonly withdrawn?: readonly string[]
  /** Predicates that it asked for, and how many it found; -1: the log does not say. */
  readonly finds?: Readonly<Record<string, number>>
  /** Unless told, all transactions before its own. */
  readonly snapshot?: {
    readonly xmin: number
    readonly xmax: number
    readonly xip?: readonly number[]
  }
}

export const xidOf = (told: Told, at: number): number => told.xid ?? at + 1
export const snapshotOf = (told: Told, at: number): Required<NonNullable<Told['snapshot']>> => ({
  xmin: xidOf(told, at),
  xmax: xidOf(told, at),
  xip: [],
  ...told.snapshot,
})
export const versionOf = (write: number | readonly [number, ...string[]]): number =>
  typeof write === 'number' ? write : write[0]
export const answersOf = (write: number | readonly [number, ...string[]]): readonly string[] =>
  typeof write === 'number' ? [] : (write.slice(1) as string[])

const nameOf = (decision: number): string =>
  decision < 26 ? String.fromCharCode(65 + decision) : `D${decision}`

interface Row {
  readonly key: string
  readonly version: number
  readonly decision: number
}

/** The rows in the order of the decisions. */
const rowsOf = (
  history: readonly Told[],
  versions: (told: Told) => readonly (readonly [key: string, version: number])[],
): Row[] =>
  history.flatMap((told, decision) =>
    versions(told).map(([key, version]) => ({ key, version, decision })),
  )

const writesOf = (told: Told) =>
  Object.entries(told.writes ?? {}).map(([key, write]) => [key, versionOf(write)] as const)

export const loaded = (history: readonly Told[]): LoadedHistory => {
  const reads = rowsOf(history, (told) => Object.entries(told.reads ?? {}))
  const writes = rowsOf(history, writesOf)
  const all = [...new Set([...reads, ...writes].map(({ key }) => key))]
  const resources = all.filter((key) => !key.startsWith('#'))
  const keys = [...resources, ...all.filter((key) => key.startsWith('#'))]
  const key_numbers = new Map(keys.map((key, number) => [key, number]))
  const finds = history.flatMap((told, decision) =>
    Object.entries(told.finds ?? {}).map(([predicate, found]) => ({ predicate, found, decision })),
  )
  const predicates = [...new Set(finds.map(({ predicate }) => predicate))]
  const memberships: number[][] = [[]]
  const membershipOf = ({ key, decision }: Row): number => {
    const answers = answersOf(history[decision]?.writes?.[key] ?? 0)
      .map((predicate) => predicates.indexOf(predicate))
      .filter((number) => number >= 0)
    const known = memberships.findIndex((one) => one.join() === answers.join())
    return known >= 0 ? known : memberships.push(answers) - 1
  }
  const columns = (rows: readonly Row[]) => ({
    key: Int32Array.from(rows, ({ key }) => key_numbers.get(key) ?? -1),
    version: Float64Array.from(rows, ({ version }) => version),
    decision: Int32Array.from(rows, ({ decision }) => decision),
  })
  const snapshots = finds.map(({ decision }) => snapshotOf(history[decision] ?? {}, decision))
  return {
    history: {
      decisions: history.length,
      xid: Float64Array.from(history, xidOf),
      resources: resources.length,
      keys: keys.length,
      predicates: predicates.length,
      memberships,
      reads: columns(reads),
      writes: {
        ...columns(writes),
        withdrawn: Uint8Array.from(writes, ({ key, decision }) =>
          history[decision]?.withdrawn?.includes(key) === true ? 1 : 0,
        ),
        membership: Int32Array.from(writes, membershipOf),
      },
      finds: {
        predicate: Int32Array.from(finds, ({ predicate }) => predicates.indexOf(predicate)),
        decision: Int32Array.from(finds, ({ decision }) => decision),
        found: Float64Array.from(finds, ({ found }) => found),
        xmin: Float64Array.from(snapshots, ({ xmin }) => xmin),
        xmax: Float64Array.from(snapshots, ({ xmax }) => xmax),
        xip: snapshots.map(({ xip }) => xip),
      },
    },
    names: async () => ({
      decision: nameOf,
      key: (number) => keys[number] ?? '?',
      predicate: (number) => predicates[number] ?? '?',
    }),
  }
}
