/**
 * What becomes of each wanted resource, given what is assumed: the pure heart of converging. Whoever plans, and
 * whoever decides, asks here.
 */
import type { Counters, Labels } from '../domain/decider.ts'
import { formatPath } from '../domain/codec/errors.ts'
import { sameState } from '../domain/diff.ts'
import { pathMatcher } from '../domain/glob.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import type { Held } from '../domain/reconcile-ports.ts'
import { needsOf, referencesOf, refText, resourceKey } from '../domain/reference.ts'
import { forcingPath, withIgnored, type WantedLifecycle } from '../domain/wanted-lifecycle.ts'

/** A wanted resource with all that its fate hangs on, besides what is assumed. */
export interface WantedItem {
  readonly kind: string
  readonly name: string
  /** Null: wanted absent. */
  readonly spec: Json
  readonly labels: Labels
  readonly counters: Counters
  readonly needs: readonly string[]
  /**
   * Of an old one that is left over: its successor, and who is to refer to that, which it goes after. It needs none of
   * them: what of these is itself destroyed to be made anew must not wait for its end.
   */
  readonly after?: readonly string[]
  readonly lifecycle?: WantedLifecycle
  /** Path patterns whose change needs a new one. */
  readonly immutable?: readonly string[]
  /** Two of its name may be there at once. */
  readonly names_free?: true
  /** What was last seen, for the paths that are others'. */
  readonly theirs?: Json
  /** The spec with its references resolved; only where what is assumed has values in their places. */
  readonly resolved?: Json
  /** The version that counts something else than is wanted: what a decision reads does not tell it. */
  readonly recounted?: number
  /** What was last seen; only where it refers to other names than is assumed. */
  readonly shown?: Json
}

type Assumed = Pick<Held, 'version' | 'state' | 'labels'>

export type Judged =
  | { readonly verb: 'none' }
  | { readonly verb: 'delete' }
  | { readonly verb: 'create'; readonly state: Json }
  /** `refreshed`: paths at which it refers to what is made anew. */
  | { readonly verb: 'update'; readonly state: Json; readonly refreshed: readonly string[] }
  | {
      readonly verb: 'replace'
      readonly state: Json
      /** The path that forces it, and why where that does not show. */
      readonly because: string
      readonly create_first: boolean
    }

export interface Verdicts {
  readonly judged: ReadonlyMap<string, Judged>
  /** Left undone, all of it: what must not, or cannot, be. */
  readonly problem: {
    /** `KIND/NAME` of what is not to be touched for it. */
    readonly of: string
    readonly reason: string
    readonly remedy: string
  } | null
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/**
 * A spec in which references are what `instead` has in their places (by default the values themselves), where
 * they resolve to those values.
 */
const aligned = (
  spec: Json,
  values: Json | undefined,
  resolved: Json | undefined,
  instead: Json | undefined = values,
): Json => {
  if (refText(spec) !== undefined) {
    return values !== undefined && instead !== undefined && sameState(values, resolved)
      ? instead
      : spec
  }
  const at = (whole: Json | undefined, key: string | number): Json | undefined => {
    if (isList(whole)) return whole[Number(key)]
    return isJsonObject(whole) ? whole[key] : undefined
  }
  const inside = (member: Json, key: string | number): Json =>
    aligned(member, at(values, key), at(resolved, key), at(instead, key))
  if (isList(spec)) return spec.map(inside)
  if (!isJsonObject(spec)) return spec
  return Object.fromEntries(Object.entries(spec).map(([key, member]) => [key, inside(member, key)]))
}

const judgeOne = (
  item: WantedItem,
  held: Assumed | undefined,
  isNew: (key: string) => boolean,
): Judged => {
  const there = held !== undefined && held.state !== null
  if (item.spec === null) return { verb: there ? 'delete' : 'none' }
  if (!there) return { verb: 'create', state: item.spec }
  const ignore = item.lifecycle?.ignore ?? []
  const wanted = withIgnored(item.spec, held.state, ignore)
  const { resolved, shown } = item
  const compared = resolved === undefined ? wanted : aligned(wanted, held.state, resolved)
  // Another name for the same thing is no reason for a new one.
  const meant = shown === undefined ? compared : aligned(compared, shown, resolved, held.state)
  const state = item.theirs === undefined ? wanted : withIgnored(item.spec, item.theirs, ignore)
  const immutable = item.immutable ?? []
  const touched = referencesOf(item.spec).filter((ref) => isNew(resourceKey(ref)))
  const forced = forcingPath(held.state, meant, immutable)
  if (forced !== undefined) return { verb: 'replace', state, because: forced, create_first: false }
  const fixed = touched.find((ref) => pathMatcher(immutable)(ref.keys))
  if (fixed !== undefined) {
    const because = `${formatPath(fixed.keys)}, since ${resourceKey(fixed)} is made anew`
    return { verb: 'replace', state, because, create_first: false }
  }
  const refreshed = touched.map((ref) => formatPath(ref.keys))
  const same =
    sameState(held.state, compared) &&
    sameState(held.labels, item.labels) &&
    item.recounted !== held.version
  return same && refreshed.length === 0 ? { verb: 'none' } : { verb: 'update', state, refreshed }
}

/** By resource: who of these refers to it. */
const referrersOf = (items: readonly WantedItem[]): ReadonlyMap<string, readonly WantedItem[]> => {
  const referrers = new Map<string, WantedItem[]>()
  for (const item of items) {
    for (const key of new Set(referencesOf(item.spec).map(resourceKey))) {
      const known = referrers.get(key)
      if (known === undefined) referrers.set(key, [item])
      else known.push(item)
    }
  }
  return referrers
}

export const isCreatedFirst = (judged: Judged | undefined): boolean =>
  judged?.verb === 'replace' && judged.create_first

const twoOfOneName = (key: string, first: WantedItem | undefined): Verdicts['problem'] => {
  const forced = first === undefined ? '' : `, as ${resourceKey(first)} is, which refers to it`
  return {
    of: key,
    reason: `${key} cannot be created before it is destroyed${forced}: its provider allows no two of one name`,
    remedy: `say create_before_destroy: false of ${first === undefined ? key : resourceKey(first)}, or rename it`,
  }
}

const ordersDisagree = (key: string, first: WantedItem): Verdicts['problem'] => ({
  of: key,
  reason: `${key} would be destroyed before it is created, and ${resourceKey(first)}, which refers to it, after`,
  remedy: `say create_before_destroy: true of ${key}, or false of ${resourceKey(first)}`,
})

/** Those that refer to what is replaced decide with it: from the last to the first. */
const chooseOrder = (
  items: readonly WantedItem[],
  judged: Map<string, Judged>,
): Verdicts['problem'] => {
  const referrers = referrersOf(items)
  for (const item of items.toReversed()) {
    const key = resourceKey(item)
    const own = judged.get(key)
    if (own?.verb !== 'replace') continue
    const mine = (referrers.get(key) ?? []).map((of) => [of, judged.get(resourceKey(of))] as const)
    const first = mine.find(([, verdict]) => isCreatedFirst(verdict))?.[0]
    const said = item.lifecycle?.create_before_destroy
    const stays = mine.some(([, verdict]) => verdict?.verb === 'update')
    const create_first = first !== undefined || (said ?? (stays && item.names_free === true))
    if (create_first && item.names_free !== true) return twoOfOneName(key, first)
    if (create_first && said === false && first !== undefined) return ordersDisagree(key, first)
    judged.set(key, { ...own, create_first })
  }
  return null
}

const protectedOf = (
  items: readonly WantedItem[],
  judged: ReadonlyMap<string, Judged>,
): Verdicts['problem'] => {
  for (const item of items) {
    const own = judged.get(resourceKey(item))
    if (item.lifecycle?.prevent_destroy !== true || own === undefined) continue
    if (own.verb !== 'delete' && own.verb !== 'replace') continue
    const what =
      own.verb === 'replace' ? `would be replaced because of ${own.because}` : 'would be deleted'
    return {
      of: resourceKey(item),
      reason: `${resourceKey(item)} ${what}, and is protected by prevent_destroy`,
      remedy: 'apply it once with lifecycle.prevent_destroy: false, then again',
    }
  }
  return null
}

/** `items`: each after what it needs, what goes at the end. */
export const judge = (
  items: readonly WantedItem[],
  heldOf: (key: string) => Assumed | undefined,
): Verdicts => {
  const judged = new Map<string, Judged>()
  const isNew = (key: string): boolean => {
    const verb = judged.get(key)?.verb
    return verb === 'replace' || verb === 'create'
  }
  for (const item of items) {
    const key = resourceKey(item)
    judged.set(key, judgeOne(item, heldOf(key), isNew))
  }
  const some = [...judged.values()].some(({ verb }) => verb === 'replace')
  const problem = (some ? chooseOrder(items, judged) : null) ?? protectedOf(items, judged)
  return { judged, problem }
}

/** By resource: who of these needs it or refers to it. */
export const dependentsOf = (
  items: readonly WantedItem[],
): ReadonlyMap<string, readonly WantedItem[]> => {
  const dependents = new Map<string, WantedItem[]>()
  for (const item of items) {
    for (const key of needsOf(item)) {
      const known = dependents.get(key)
      if (known === undefined) dependents.set(key, [item])
      else known.push(item)
    }
  }
  return dependents
}
