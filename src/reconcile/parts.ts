/** What is to be decided, in dependency order and in parts of a bounded size: each is one decision. */
import * as E from 'fp-ts/lib/Either.js'
import { ForewordError } from '../domain/errors.ts'
import { topologicalOrder } from '../domain/graph.ts'
import { needsOf, resourceKey } from '../domain/reference.ts'
import type { ConvergeInput } from './converge.ts'
import { dependentsOf, type Judged, type WantedItem } from './judge.ts'

/** More reads than this in one decision could be promoted to locks on whole tables. */
const resources_per_decision = 100
/** What is replaced is decided with all that hangs on it, in one decision, which may have so many intents. */
const together_max = 450

/** Why some of what is wanted cannot be decided: whoever goes on without these resources comes to the rest. */
export class Undecidable extends ForewordError {
  readonly keys: readonly string[]

  constructor(
    keys: readonly string[],
    what: string,
    options: { readonly where: string; readonly remedy: string },
  ) {
    super(what, options)
    this.keys = keys
  }
}

/** What is to be there before what needs it; then what is to go, needers first. */
export const inOrder = (items: readonly WantedItem[], scope: string): readonly WantedItem[] => {
  const olds = new Map<string, string[]>()
  for (const item of items) {
    for (const key of item.after ?? []) {
      olds.set(key, [...(olds.get(key) ?? []), resourceKey(item)])
    }
  }
  // Of what goes, who referred to an old one goes before that: as if it needed it.
  const oldsOf = (item: WantedItem): readonly string[] =>
    item.spec === null ? (olds.get(resourceKey(item)) ?? []) : []
  const nodes = items.map((item) => ({
    id: resourceKey(item),
    needs: [...needsOf(item), ...oldsOf(item)],
    item,
  }))
  const order = topologicalOrder(nodes)
  if (E.isLeft(order)) {
    const circle = [...order.left, order.left[0]].join(' -> ')
    throw new Undecidable(order.left, `cyclic needs: ${circle}`, {
      where: `scope ${scope}`,
      remedy: 'break the cycle in the stack file',
    })
  }
  const coming = order.right.filter(({ item }) => item.spec !== null)
  const going = order.right.filter(({ item }) => item.spec === null).toReversed()
  return [...coming, ...going].map(({ item }) => item)
}

const needersOf = (
  items: readonly WantedItem[],
  leavers: Fates['leavers'],
): ConvergeInput['needers'] => {
  const needers = new Map<string, Set<string>>()
  const add = (need: string, needer: string): void => {
    needers.set(need, (needers.get(need) ?? new Set()).add(needer))
  }
  for (const item of items) {
    if (item.spec !== null) continue
    for (const need of item.needs) add(need, resourceKey(item))
  }
  for (const [left, by] of leavers) for (const leaver of by) add(left, leaver)
  return Object.fromEntries([...needers].map(([key, by]) => [key, [...by]]))
}

interface Fates {
  readonly judged: ReadonlyMap<string, Judged>
  /** By name: the versions that are there now. */
  readonly versionOf: (key: string) => number
  /** By name of what goes: who refers to it still, and will no more. */
  readonly leavers: ReadonlyMap<string, readonly string[]>
}

/**
 * By what moves: who is decided with it, named by one of them. A replacement takes along whatever moves and needs
 * it, and what needs that: decided earlier it would wait for the old one, decided later the old one would go
 * without it.
 */
const companiesOf = (
  items: readonly WantedItem[],
  { judged, leavers }: Fates,
): ReadonlyMap<string, string> => {
  const dependents = dependentsOf(
    items.map((item) => ({ ...item, needs: [...item.needs, ...(item.after ?? [])] })),
  )
  const leaders = new Map<string, string>()
  const leaderOf = (key: string): string => {
    let at = key
    for (let up = leaders.get(at); up !== undefined && up !== at; up = leaders.get(at)) at = up
    leaders.set(key, at)
    return at
  }
  const open = items.map(resourceKey).filter((key) => judged.get(key)?.verb === 'replace')
  const met = new Set(open)
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (!leaders.has(key)) leaders.set(key, key)
    const needing = (dependents.get(key) ?? []).map(resourceKey)
    for (const dependent of [...needing, ...(leavers.get(key) ?? [])]) {
      if ((judged.get(dependent)?.verb ?? 'none') === 'none') continue
      if (!leaders.has(dependent)) leaders.set(dependent, dependent)
      leaders.set(leaderOf(dependent), leaderOf(key))
      if (met.has(dependent)) continue
      met.add(dependent)
      open.push(dependent)
    }
  }
  return new Map([...leaders.keys()].map((key) => [key, leaderOf(key)]))
}

const refuseCrowd = (company: readonly WantedItem[], scope: string): void => {
  if (company.length <= together_max) return
  const [first] = company
  throw new Undecidable(
    company.map(resourceKey),
    `${company.length} resources would be decided at once, since they need what is replaced, ${first === undefined ? '' : resourceKey(first)} among them`,
    { where: `scope ${scope}`, remedy: `replace fewer at a time: ${together_max} go together` },
  )
}

/** What moves, part by part. A company comes where its last member stands: all that it needs is before it. */
const partsOf = (
  items: readonly WantedItem[],
  fates: Fates,
  scope: string,
): readonly (readonly WantedItem[])[] => {
  const { judged } = fates
  const companies = companiesOf(items, fates)
  const members = new Map<string, WantedItem[]>()
  for (const item of items) {
    const leader = companies.get(resourceKey(item))
    if (leader !== undefined) members.set(leader, [...(members.get(leader) ?? []), item])
  }
  const parts: WantedItem[][] = []
  let part: WantedItem[] = []
  const close = (): void => {
    if (part.length > 0) parts.push(part)
    part = []
  }
  for (const item of items) {
    const leader = companies.get(resourceKey(item))
    const company = leader === undefined ? undefined : members.get(leader)
    if (company !== undefined && company.at(-1) !== item) continue
    if (company === undefined && judged.get(resourceKey(item))?.verb === 'none') continue
    if (company !== undefined) refuseCrowd(company, scope)
    const more = company ?? [item]
    if (part.length + more.length > resources_per_decision) close()
    part.push(...more)
  }
  close()
  return parts
}

/** A decision's input for each part. */
export const inputsOf = (
  items: readonly WantedItem[],
  fates: Fates,
  scope: string,
): readonly ConvergeInput[] => {
  const { judged, versionOf, leavers } = fates
  const needers = needersOf(items, leavers)
  return partsOf(items, fates, scope).map((part) => {
    const replacing = part.map(resourceKey).filter((key) => judged.get(key)?.verb === 'replace')
    return {
      wanted: part,
      needers: Object.fromEntries(
        part.flatMap((item) => {
          const key = resourceKey(item)
          return needers[key] === undefined ? [] : [[key, needers[key]]]
        }),
      ),
      ...(replacing.length === 0
        ? {}
        : { replacing: Object.fromEntries(replacing.map((key) => [key, versionOf(key)])) }),
    }
  })
}
