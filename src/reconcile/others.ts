/**
 * What others want in the scope and is to be decided in the same run: whatever refers to what is replaced or goes,
 * or is needed and not there yet. A stack is its owner's, but its order is everybody's.
 */
import type { AnyProvider } from '../domain/provider.ts'
import type { DesiredRow, Held, ReconcileStore } from '../domain/reconcile-ports.ts'
import { needsOf, parseResourceKey, referencesOf, resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import { deposedName } from './converge.ts'
import { isCreatedFirst, type Judged, type WantedItem } from './judge.ts'
import { waitsAmong } from './waits.ts'

export type Row = Omit<DesiredRow, 'resource' | 'generation' | 'stack'> &
  Partial<Pick<DesiredRow, 'resource' | 'generation' | 'stack'>>

export interface PrepareDeps {
  readonly store: Pick<ReconcileStore, 'held' | 'seen' | 'leaving'>
  readonly providers: ReadonlyMap<string, AnyProvider>
}

/** What was looked at, and what it comes to. */
interface Situation {
  readonly items: readonly WantedItem[]
  readonly held: ReadonlyMap<string, Held>
  readonly judged: ReadonlyMap<string, Judged>
}

/** Something is to be deleted that others may refer to until then, be it to be made anew. */
const isGoing = (judged: Judged | undefined): boolean =>
  judged?.verb === 'delete' || judged?.verb === 'replace'

/** What is left, and by whom; `of`: the same, or of which it is the old one. */
interface Leave {
  readonly left: string
  readonly leaver: string
  readonly of: string
}

/**
 * By what goes: who refers to it so far, and will no more once what is decided now, or was decided before and is
 * under way, is through. It goes after them: an API may refuse to delete what is in use, or take its users along.
 */
export const leaversOf = async (
  deps: PrepareDeps,
  scope: string,
  { items, held, judged }: Situation,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const going = new Map(
    items.flatMap((item) => {
      const key = resourceKey(item)
      const verdict = judged.get(key)
      return isGoing(verdict) ? [[key, item] as const] : []
    }),
  )
  if (going.size === 0) return new Map()
  const wanted = new Map(items.map((item) => [resourceKey(item), item]))
  const leaving: Leave[] = []
  for (const [key, { kind, name }] of wanted) {
    const verdict = judged.get(key)
    const there = held.get(key)
    if (there === undefined || verdict === undefined || verdict.verb === 'none') continue
    for (const left of new Set(referencesOf(there.state).map(resourceKey))) {
      leaving.push({ left, leaver: key, of: key })
      if (!isCreatedFirst(verdict)) continue
      const old = resourceKey({ kind, name: deposedName(name, there.version) })
      leaving.push({ left, leaver: old, of: key })
    }
  }
  for (const { left, leaver } of await deps.store.leaving(scope, [...going.keys()])) {
    leaving.push({ left, leaver, of: leaver })
  }
  const waits = waitsAmong(items, judged)
  const mayWait = ({ left, leaver, of }: Leave): boolean => {
    const [from, by] = [going.get(left), wanted.get(leaver)]
    // Who goes on to need it is another matter; and who is needed by what goes, goes after it.
    if (from === undefined || left === leaver) return false
    if ([...needsOf(from), ...(from.after ?? [])].includes(leaver)) return false
    if (by !== undefined && by.spec !== null && needsOf(by).includes(left)) return false
    return waits.add(left, of)
  }
  const by_left = Map.groupBy(leaving, ({ left }) => left)
  return new Map(
    [...by_left].map(([left, all]) => [left, all.filter(mayWait).map(({ leaver }) => leaver)]),
  )
}

const idIn = (scope: string, key: string): string => {
  const { kind, name } = parseResourceKey(key)
  return resourceId(scope, kind, name)
}

/** What of this is made or changed needs, and is nobody's here. */
const neededOf = (mine: readonly Row[], judged: ReadonlyMap<string, Judged>): readonly string[] => {
  const known = new Set(mine.map(resourceKey))
  const moving = mine.filter((row) => {
    const verb = judged.get(resourceKey(row))?.verb ?? 'none'
    return row.spec !== null && verb !== 'none'
  })
  return [...new Set(moving.flatMap(needsOf))].filter((need) => !known.has(need))
}

/** Of that, what is not there. */
const lacking = async (
  deps: PrepareDeps,
  scope: string,
  mine: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
): Promise<ReadonlySet<string>> => {
  const needed = neededOf(mine, judged)
  if (needed.length === 0) return new Set()
  const held = await deps.store.held(needed.map((key) => idIn(scope, key)))
  return new Set(needed.filter((key) => (held.get(idIn(scope, key))?.state ?? null) === null))
}

/** Rows that refer to what goes so far, or need it, and will no more: they are to leave it before. */
const leavingElsewhere = async (
  deps: PrepareDeps,
  scope: string,
  [mine, all]: readonly [readonly Row[], readonly Row[]],
  judged: ReadonlyMap<string, Judged>,
): Promise<readonly Row[]> => {
  const going = new Set([...judged].filter(([, of]) => isGoing(of)).map(([key]) => key))
  if (going.size === 0) return []
  const known = new Set(mine.map(resourceKey))
  const others = all.filter(
    (row) =>
      !known.has(resourceKey(row)) &&
      (row.spec === null || !needsOf(row).some((need) => going.has(need))),
  )
  const idOf = (row: Row): string => resourceId(scope, row.kind, row.name)
  const held = await deps.store.held(others.map(idOf))
  return others.filter((row) => {
    const state = held.get(idOf(row))?.state ?? null
    if (state === null) return false
    const needs = row.spec === null ? row.needs : []
    return [...needs, ...referencesOf(state).map(resourceKey)].some((need) => going.has(need))
  })
}

/** Rows that others want, and that refer, if only by others, to what is replaced. */
const referringElsewhere = (
  rows: readonly Row[],
  all: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
): readonly Row[] => {
  const mine = new Set(rows.map(resourceKey))
  const others = all.filter((row) => row.spec !== null && !mine.has(resourceKey(row)))
  const reached = new Set(
    [...judged].filter(([, { verb }]) => verb === 'replace').map(([key]) => key),
  )
  const found = new Set<Row>()
  for (let grown = true; grown;) {
    grown = false
    for (const row of others) {
      if (found.has(row)) continue
      if (!referencesOf(row.spec).some((ref) => reached.has(resourceKey(ref)))) continue
      found.add(row)
      reached.add(resourceKey(row))
      grown = true
    }
  }
  return [...found]
}

/**
 * Rows of others that these need, and that those need: what is made on something that is to be made anew itself would
 * be made twice.
 */
export const neededElsewhere = async (
  mine: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
  elsewhere: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> => {
  const open = [...neededOf(mine, judged)]
  if (open.length === 0) return []
  const others = new Map((await elsewhere()).map((row) => [resourceKey(row), row]))
  for (const row of mine) others.delete(resourceKey(row))
  const found: Row[] = []
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const row = others.get(key)
    others.delete(key)
    if (row === undefined || row.spec === null) continue
    found.push(row)
    open.push(...needsOf(row))
  }
  return found
}

/** Rows of others that are decided with these. */
export const concerned = async (
  deps: PrepareDeps,
  scope: string,
  mine: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
  elsewhere: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> => {
  const lost = await lacking(deps, scope, mine, judged)
  const verdicts = [...judged.values()]
  if (lost.size === 0 && !verdicts.some(({ verb }) => verb === 'replace' || verb === 'delete')) {
    return []
  }
  const others = await elsewhere()
  const wanted = others.filter((row) => row.spec !== null && lost.has(resourceKey(row)))
  const referring = referringElsewhere(mine, others, judged)
  const leaving = await leavingElsewhere(deps, scope, [mine, others], judged)
  return [...new Set([...wanted, ...referring, ...leaving])]
}
