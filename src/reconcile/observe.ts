/**
 * Looking at the world. A look counts only where nothing is under way and the last write has settled;
 * a difference is believed only after as many agreeing reads as the provider needs, and one missing
 * from a list is read by itself first.
 */
import * as E from 'fp-ts/lib/Either.js'
import { diffPaths, type Difference } from '../domain/diff.ts'
import type { Json } from '../domain/json.ts'
import type { Logger, ResourceName } from '../domain/ports.ts'
import type { LookNote, ReconcileStore, Watched } from '../domain/reconcile-ports.ts'
import type { AnyProvider, Secrets, Sighting } from '../domain/provider.ts'
import {
  parseResourceKey,
  referencesOf,
  resolveReferences,
  resourceKey,
} from '../domain/reference.ts'
import type { JsonObject } from '../domain/json.ts'
import { storable } from '../domain/storable.ts'

export interface ObserveDeps {
  readonly store: ReconcileStore
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly secrets: Secrets
  /** Resolves when the account has a look to give; throws where it has none. */
  readonly admit: (provider: AnyProvider, scope: string) => Promise<void>
  readonly outputsOf: (
    names: readonly ResourceName[],
  ) => Promise<readonly { external_id: string | null; outputs: JsonObject; there: boolean }[]>
  readonly ignoredPaths: (at: ResourceName) => readonly string[]
  readonly logger: Logger
}

/** A difference that is believed. */
export interface Drifted extends Watched {
  /** Null: it is gone. */
  readonly observed: Json
  readonly differences: readonly Difference[]
}

export interface Observed {
  readonly looked: number
  /** Not looked at: something is under way, or was until just now. */
  readonly skipped: number
  /** Looks that failed; they say nothing. */
  readonly failed: number
  readonly drifted: readonly Drifted[]
}

const pauseMs = (provider: AnyProvider): number => Math.max(10, provider.traits.settle_ms / 8)

const signalFor = (provider: AnyProvider): AbortSignal =>
  AbortSignal.timeout(provider.traits.call_timeout_ms)

const readOne = async (
  deps: ObserveDeps,
  provider: AnyProvider,
  at: Watched,
): Promise<Sighting | null> => {
  await deps.admit(provider, at.scope)
  return provider.read({
    scope: at.scope,
    name: at.name,
    external_id: at.external_id,
    outputs: at.outputs,
    signal: signalFor(provider),
    secrets: deps.secrets,
  })
}

/** The whole kind of a scope by name, or null where the provider has no list or it failed. */
const listAll = async (
  deps: ObserveDeps,
  provider: AnyProvider,
  scope: string,
): Promise<ReadonlyMap<string, Sighting> | null> => {
  if (provider.list === undefined) return null
  try {
    await deps.admit(provider, scope)
    const found = new Map<string, Sighting>()
    const signal = AbortSignal.timeout(provider.traits.call_timeout_ms * 10)
    for await (const seen of provider.list({ scope, signal, secrets: deps.secrets })) {
      found.set(seen.name, seen)
    }
    return found
  } catch (error) {
    deps.logger.warn({ error, kind: provider.kind, scope }, 'list failed; reading one by one')
    return null
  }
}

/** The assumed state with references resolved; one that cannot be resolved leaves it as it is. */
const expectedState = async (deps: ObserveDeps, at: Watched): Promise<Json> => {
  const keys = [...new Set(referencesOf(at.assumed).map(resourceKey))]
  if (keys.length === 0) return at.assumed
  const found = await deps.outputsOf(
    keys.map((key) => ({ scope: at.scope, ...parseResourceKey(key) })),
  )
  const byKey = new Map(keys.map((key, i) => [key, found[i]]))
  const resolved = resolveReferences(at.assumed, (kind, name) => byKey.get(`${kind}/${name}`))
  return E.isRight(resolved) ? resolved.right : at.assumed
}

const differencesOf = (
  deps: ObserveDeps,
  at: Watched,
  expected: Json,
  seen: Sighting | null,
): readonly Difference[] =>
  seen === null
    ? [{ path: '', assumed: expected, observed: null }]
    : diffPaths(expected, seen.state, { ignore: [...deps.ignoredPaths(at), ...at.ignore] })

interface Look {
  readonly at: Watched
  readonly seen: Sighting | null
  readonly differences: readonly Difference[]
}

/** Reads until so many looks in a row agree; the first one that shows no difference ends the suspicion. */
const lookAt = async (
  deps: ObserveDeps,
  provider: AnyProvider,
  at: Watched,
  listed: ReadonlyMap<string, Sighting> | null,
): Promise<Look> => {
  const expected = await expectedState(deps, at)
  const inList = listed?.get(at.name)
  // Two of one name are told apart by their ids.
  const isIt = (at.external_id ?? inList?.external_id) === (inList?.external_id ?? at.external_id)
  if (inList !== undefined && isIt) {
    const differences = differencesOf(deps, at, expected, inList)
    if (differences.length === 0) return { at, seen: inList, differences }
  }
  let last: Look | null = null
  for (let agreed = 0; agreed < Math.max(1, provider.traits.sightings);) {
    if (last !== null) await new Promise((resolve) => setTimeout(resolve, pauseMs(provider)))
    const seen = await readOne(deps, provider, at)
    const differences = differencesOf(deps, at, expected, seen)
    if (differences.length === 0) return { at, seen, differences }
    const before = JSON.stringify(last?.differences ?? differences)
    agreed = before === JSON.stringify(differences) ? agreed + 1 : 1
    last = { at, seen, differences }
  }
  if (last === null) throw new Error('no look was taken')
  return last
}

const noteOf = ({ at, seen, differences }: Look): LookNote => ({
  resource: at.resource,
  version: at.version,
  observed: seen?.state ?? null,
  ...(seen?.external_id === undefined ? {} : { external_id: seen.external_id }),
  ...(seen?.outputs === undefined ? {} : { outputs: seen.outputs }),
  ...(seen?.revision === undefined ? {} : { revision: seen.revision }),
  condition: seen?.condition ?? 'ready',
  paths: differences,
})

/** All looks are written at once: one that cannot be would take the others with it. */
const refuseUnkept = (seen: Sighting | null): void => {
  const kept = storable(seen)
  if (E.isLeft(kept)) throw new Error(`what it shows cannot be kept: ${kept.left}`)
}

/** Runs over all, so many at once. */
const sideBySide = async <A>(
  all: readonly A[],
  concurrency: number,
  work: (one: A) => Promise<void>,
): Promise<void> => {
  const queue = [...all]
  const lane = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, lane))
}

const observeKind = async (
  deps: ObserveDeps,
  provider: AnyProvider,
  watched: readonly Watched[],
): Promise<{ readonly looks: readonly Look[]; readonly failed: number }> => {
  const looks: Look[] = []
  let failed = 0
  for (const scope of new Set(watched.map((w) => w.scope))) {
    const here = watched.filter((w) => w.scope === scope)
    const listed = here.length > 3 ? await listAll(deps, provider, scope) : null
    await sideBySide(here, provider.traits.concurrency, async (at) => {
      try {
        const look = await lookAt(deps, provider, at, listed)
        refuseUnkept(look.seen)
        looks.push(look)
      } catch (error) {
        failed += 1
        deps.logger.warn({ error, resource: resourceKey(at) }, 'look failed')
      }
    })
  }
  return { looks, failed }
}

/** Looks at all that may be looked at, notes it, and returns what has drifted. */
export const observe =
  (deps: ObserveDeps) =>
  async (filter: { readonly scope?: string; readonly kind?: string }): Promise<Observed> => {
    const all = (await deps.store.watched(filter)).filter((w) => deps.providers.has(w.kind))
    const looks: Look[] = []
    let failed = 0
    let skipped = 0
    for (const kind of new Set(all.map((w) => w.kind))) {
      const provider = deps.providers.get(kind)
      if (provider === undefined) continue
      const mine = all.filter((w) => w.kind === kind)
      const still = mine.filter((w) => !w.busy && w.settled_ms_ago >= provider.traits.settle_ms)
      skipped += mine.length - still.length
      const seen = await observeKind(deps, provider, still)
      looks.push(...seen.looks)
      failed += seen.failed
    }
    if (looks.length > 0) await deps.store.noteLooks(looks.map(noteOf))
    const drifted = looks
      .filter((look) => look.differences.length > 0)
      .map((look) => ({
        ...look.at,
        observed: look.seen?.state ?? null,
        differences: look.differences,
      }))
    return { looked: looks.length, skipped, failed, drifted }
  }
