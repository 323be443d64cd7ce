/**
 * One look at one resource. A difference is believed only after as many agreeing reads in a row as the
 * provider needs; the first one that shows none ends the suspicion.
 */
import * as E from 'fp-ts/lib/Either.js'
import { diffPaths, type Difference } from '../domain/diff.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Logger, ResourceName } from '../domain/ports.ts'
import type { AnyProvider, Sighting } from '../domain/provider.ts'
import type { LookNote, ReconcileStore, Watched } from '../domain/reconcile-ports.ts'
import {
  parseResourceKey,
  referencesOf,
  resolveReferences,
  resourceKey,
} from '../domain/reference.ts'
import { storable } from '../domain/storable.ts'
import { readSurely, type ReadDeps } from './read.ts'

export interface ObserveDeps extends ReadDeps {
  readonly store: ReconcileStore
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly outputsOf: (
    names: readonly ResourceName[],
  ) => Promise<readonly { external_id: string | null; outputs: JsonObject; there: boolean }[]>
  readonly ignoredPaths: (at: ResourceName) => readonly string[]
  readonly logger: Logger
}

/** A resource to be looked at, and the state that a look should show: its references are resolved. */
export interface Expected {
  readonly at: Watched
  readonly state: Json
}

export interface Look extends Expected {
  /** Null: it is gone. */
  readonly seen: Sighting | null
  readonly differences: readonly Difference[]
}

/** Reads that disagree say nothing, however many there are: more than so many times `sightings` are not taken. */
const reads_max_factor = 5

const pauseMs = (provider: AnyProvider): number => Math.max(10, provider.traits.settle_ms / 8)

/** What a look should show. A reference that leads to nothing stays as it is. */
export const expected = async (
  deps: ObserveDeps,
  all: readonly Watched[],
): Promise<readonly Expected[]> => {
  const names = new Map<string, ResourceName>()
  const keyOf = (scope: string, at: { readonly kind: string; readonly name: string }): string =>
    JSON.stringify([scope, resourceKey(at)])
  for (const at of all) {
    for (const to of referencesOf(at.assumed)) {
      names.set(keyOf(at.scope, to), { scope: at.scope, ...parseResourceKey(resourceKey(to)) })
    }
  }
  if (names.size === 0) return all.map((at) => ({ at, state: at.assumed }))
  const found = await deps.outputsOf([...names.values()])
  const byKey = new Map([...names.keys()].map((key, i) => [key, found[i]]))
  return all.map((at) => {
    const resolved = resolveReferences(at.assumed, (kind, name) =>
      byKey.get(keyOf(at.scope, { kind, name })),
    )
    return { at, state: E.isRight(resolved) ? resolved.right : at.assumed }
  })
}

/** What a sighting makes of an expectation. */
export const lookOf = (deps: ObserveDeps, of: Expected, seen: Sighting | null): Look => ({
  ...of,
  seen,
  differences:
    seen === null
      ? [{ path: '', assumed: of.state, observed: null }]
      : diffPaths(of.state, seen.state, {
          ignore: [...deps.ignoredPaths(of.at), ...of.at.ignore],
        }),
})

/**
 * Reads until so many looks in a row agree, or one shows no difference. Throws where they never do. A read that
 * fails is no look: it neither agrees nor disagrees with those before it.
 */
export const lookAt = async (
  deps: ObserveDeps,
  provider: AnyProvider,
  of: Expected,
): Promise<Look> => {
  const wanted = Math.max(1, provider.traits.sightings)
  let last: Look | null = null
  let agreed = 0
  for (let reads = 1; reads <= wanted * reads_max_factor; reads++) {
    if (last !== null) await new Promise((resolve) => setTimeout(resolve, pauseMs(provider)))
    const seen = await readSurely(deps, provider, of.at)
    refuseStateless(seen)
    const look = lookOf(deps, of, seen)
    if (look.differences.length === 0) return look
    const before = last === null ? null : JSON.stringify(last.differences)
    agreed = before === JSON.stringify(look.differences) ? agreed + 1 : 1
    last = look
    if (agreed >= wanted) return look
  }
  throw new Error(`no ${wanted} reads in a row agree`)
}

const conditions: ReadonlySet<unknown> = new Set([undefined, 'ready', 'pending', 'failed'])

/** Looks are written many at once: one that cannot be would take the others with it. */
export const refuseUnkept = ({ seen }: Look): void => {
  const kept = storable(seen)
  if (E.isLeft(kept)) throw new Error(`what it shows cannot be kept: ${kept.left}`)
  if (seen !== null && !conditions.has(seen.condition)) {
    throw new Error(`its condition is ${JSON.stringify(seen.condition)}: ready, pending or failed`)
  }
}

/** A provider that answers with half a sighting has not seen that it is gone. */
const refuseStateless = (seen: Partial<Sighting> | null): void => {
  if (seen === null || (seen.state ?? null) !== null) return
  throw new Error('its provider shows it without a state')
}

export const noteOf = (provider: AnyProvider, { at, seen, differences }: Look): LookNote => ({
  resource: at.resource,
  version: at.version,
  began_at: at.began_at,
  observed: seen?.state ?? null,
  ...(seen?.external_id === undefined ? {} : { external_id: seen.external_id }),
  ...(seen?.outputs === undefined ? {} : { outputs: seen.outputs }),
  ...(seen?.revision === undefined ? {} : { revision: seen.revision }),
  ...(provider.traits.look_interval === undefined
    ? {}
    : { interval: provider.traits.look_interval }),
  condition: seen?.condition ?? 'ready',
  paths: differences,
})
