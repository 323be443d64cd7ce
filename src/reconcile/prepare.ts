/** Wanted rows made ready to be judged: with what their providers say of their kinds, and what was last seen. */
import * as E from 'fp-ts/lib/Either.js'
import { sameState } from '../domain/diff.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import type { AnyProvider } from '../domain/provider.ts'
import type { Held, Seen } from '../domain/reconcile-ports.ts'
import {
  parseResourceKey,
  referencesOf,
  refText,
  resolveReferences,
  resourceKey,
} from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { ConvergeInput } from './converge.ts'
import { dependentsOf, judge, type Judged, type WantedItem } from './judge.ts'
import { concerned, leaversOf, neededElsewhere, type PrepareDeps, type Row } from './others.ts'
import { inOrder, inputsOf, Undecidable } from './parts.ts'

/** All that is to be decided in a scope, and what it comes to if nothing moves meanwhile. */
export interface Prepared {
  readonly items: readonly WantedItem[]
  readonly held: ReadonlyMap<string, Held>
  readonly judged: ReadonlyMap<string, Judged>
  readonly inputs: readonly ConvergeInput[]
}

const itemOf = (row: Row, provider: AnyProvider | undefined): WantedItem => {
  const { kind, name, spec, labels, counters, needs, lifecycle = {} } = row
  const immutable = [...(lifecycle.replace_on ?? []), ...(provider?.immutable ?? [])]
  return {
    kind,
    name,
    spec,
    labels,
    counters,
    needs,
    ...(Object.keys(lifecycle).length === 0 ? {} : { lifecycle }),
    ...(immutable.length === 0 ? {} : { immutable }),
    ...(provider?.names === 'free' ? { names_free: true as const } : {}),
  }
}

/** An old one waits for its successor, and for those that refer to that, if only so far, while the successor is wanted. */
const withSuccessors = (items: readonly WantedItem[]): readonly WantedItem[] => {
  if (!items.some((item) => item.lifecycle?.replaced_by !== undefined)) return items
  const wanted = new Map(items.map((item) => [resourceKey(item), item]))
  const dependents = dependentsOf(items.filter((item) => item.lifecycle?.replaced_by === undefined))
  return items.map((item) => {
    const successor = item.lifecycle?.replaced_by
    if (successor === undefined) return item
    const there = (wanted.get(successor)?.spec ?? null) !== null
    const after = [successor, ...(dependents.get(successor) ?? []).map(resourceKey)]
    return { ...item, needs: [], after: there ? after : [] }
  })
}

/** Whether a reference stands where what is assumed has a value, or another reference: it may be the same. */
const hasValueForRef = (spec: Json | undefined, assumed: Json | undefined): boolean => {
  if (spec === undefined || assumed === undefined) return false
  if (refText(spec) !== undefined) return refText(assumed) !== refText(spec)
  if (Array.isArray(spec)) {
    return spec.some((member: Json, i) =>
      hasValueForRef(member, Array.isArray(assumed) ? (assumed as Json[])[i] : undefined),
    )
  }
  if (!isJsonObject(spec)) return false
  return Object.entries(spec).some(([key, member]) =>
    hasValueForRef(member, isJsonObject(assumed) ? assumed[key] : undefined),
  )
}

const withSights = async (
  deps: PrepareDeps,
  scope: string,
  items: readonly WantedItem[],
  held: ReadonlyMap<string, Held>,
): Promise<readonly WantedItem[]> => {
  const idOf = (key: string): string => {
    const { kind, name } = parseResourceKey(key)
    return resourceId(scope, kind, name)
  }
  const ignoring = items.filter((item) => (item.lifecycle?.ignore ?? []).length > 0)
  const valued = items.filter((item) =>
    hasValueForRef(item.spec, held.get(resourceKey(item))?.state),
  )
  const keys = new Set([
    ...ignoring.map(resourceKey),
    ...valued.map(resourceKey),
    ...valued.flatMap((item) => referencesOf(item.spec).map(resourceKey)),
  ])
  if (keys.size === 0) return items
  const seen = await deps.store.seen([...keys].map(idOf))
  const seenOf = (key: string): Seen | undefined => seen.get(idOf(key))
  const resolving = new Set(valued)
  return items.map((item) => {
    const theirs = ignoring.includes(item) ? (seenOf(resourceKey(item))?.observed ?? null) : null
    const resolved = resolving.has(item)
      ? resolveReferences(item.spec, (kind, name) => seenOf(resourceKey({ kind, name })))
      : E.left([])
    return {
      ...item,
      ...(theirs === null ? {} : { theirs }),
      ...(E.isRight(resolved)
        ? { resolved: resolved.right, shown: seenOf(resourceKey(item))?.observed ?? null }
        : {}),
    }
  })
}

/** A version tells what is counted of it, as long as it is there. */
const withCounts = (
  items: readonly WantedItem[],
  held: ReadonlyMap<string, Held>,
): readonly WantedItem[] =>
  items.map((item) => {
    const now = held.get(resourceKey(item))
    if (item.spec === null || now === undefined || now.state === null) return item
    return sameState(now.counters, item.counters) ? item : { ...item, recounted: now.version }
  })

/** Two things under one name are told apart by what was learned of the first: it must all be known by now. */
const refuseUnderWay = async (
  deps: PrepareDeps,
  scope: string,
  judged: ReadonlyMap<string, Judged>,
): Promise<void> => {
  const first = [...judged].filter(([, of]) => of.verb === 'replace' && of.create_first)
  if (first.length === 0) return
  const named = first.map(([key]) => {
    const { kind, name } = parseResourceKey(key)
    return [resourceId(scope, kind, name), key] as const
  })
  const seen = await deps.store.seen(named.map(([id]) => id))
  const open = named.filter(([id]) => seen.get(id)?.open === true).map(([, key]) => key)
  if (open.length === 0) return
  throw new Undecidable(open, `${open[0]} is to be replaced, and something is under way with it`, {
    where: `scope ${scope}`,
    remedy: 'apply it again once that is settled: see `foreword status`',
  })
}

/** Reads what is assumed of these rows, READ COMMITTED, and judges them. Throws where that comes to nothing. */
export const prepare = async (
  deps: PrepareDeps,
  scope: string,
  rows: readonly Row[],
  elsewhere: () => Promise<readonly Row[]>,
): Promise<Prepared> => {
  const itemsOf = (of: readonly Row[]) =>
    inOrder(withSuccessors(of.map((row) => itemOf(row, deps.providers.get(row.kind)))), scope)
  const look = async (wanted: readonly WantedItem[]) => {
    const ids = wanted.map(
      (item) => [resourceKey(item), resourceId(scope, item.kind, item.name)] as const,
    )
    const found = await deps.store.held(ids.map(([, id]) => id))
    const held = new Map(
      ids.flatMap(([key, id]) => {
        const one = found.get(id)
        return one === undefined ? [] : [[key, one] as const]
      }),
    )
    const items = withCounts(await withSights(deps, scope, wanted, held), held)
    return { items, held, ...judge(items, (key) => held.get(key)) }
  }
  let all = rows
  let looked = await look(itemsOf(all))
  const replacedOf = async (needed: readonly Row[]): Promise<readonly Row[]> => {
    const { judged, problem } = await look(itemsOf([...all, ...needed]))
    // Who is refused what is his keeps nobody else from what is theirs.
    if (problem !== null) return []
    return needed.filter((row) => judged.get(resourceKey(row))?.verb === 'replace')
  }
  for (;;) {
    const others = await concerned(deps, scope, all, looked.judged, elsewhere)
    const needed = others.length > 0 ? [] : await neededElsewhere(all, looked.judged, elsewhere)
    const more = needed.length === 0 ? others : await replacedOf(needed)
    if (more.length === 0) break
    all = [...all, ...more]
    looked = await look(itemsOf(all))
  }
  const { items, held, judged, problem } = looked
  if (problem !== null) {
    const { of, reason, remedy } = problem
    throw new Undecidable([of], reason, { where: `scope ${scope}`, remedy })
  }
  await refuseUnderWay(deps, scope, judged)
  const versionOf = (key: string): number => held.get(key)?.version ?? 0
  const leavers = await leaversOf(deps, scope, { items, held, judged })
  return { items, held, judged, inputs: inputsOf(items, { judged, versionOf, leavers }, scope) }
}
