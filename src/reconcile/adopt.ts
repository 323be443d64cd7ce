/**
 * What is there already becomes known: read from its provider, written as an entry of cause `observation`, and
 * from then on a resource like any other. Nothing is called for by it.
 */
import { defineDecider, refuse, type IntentDraft } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { ResourceName } from '../domain/ports.ts'
import type { AnyProvider, Sighting } from '../domain/provider.ts'
import type { ReconcileStore } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Decide } from './deciding.ts'
import { readSurely, type ReadDeps } from './read.ts'

export interface AdoptDeps extends ReadDeps {
  readonly store: Pick<ReconcileStore, 'held' | 'seen' | 'noteLooks' | 'namesOf' | 'now'>
  readonly decide: Decide
  readonly providers: ReadonlyMap<string, AnyProvider>
}

/** Something that is there, and may be known under this name. */
export interface Found extends ResourceName {
  readonly sighting: Sighting
}

export interface Imported extends Found {
  readonly version: number
}

/** Reads that must agree are bounded: what never shows twice the same is not to be imported now. */
const looks_max = 20

interface ImportInput {
  readonly found: readonly { readonly kind: string; readonly name: string; readonly state: Json }[]
}

const importing = defineDecider({
  name: 'foreword/import',
  version: 1,
  read: (q, input: ImportInput) =>
    Object.fromEntries(input.found.map(({ kind, name }) => [`${kind}/${name}`, q.get(kind, name)])),
  decide: (facts, input: ImportInput) => {
    const known = Object.entries(facts).find(([, assumed]) => assumed !== null)?.[0]
    if (known !== undefined) return refuse(`${known} is known already`)
    return input.found.map(({ kind, name, state }): IntentDraft => ({
      type: 'intent',
      kind,
      name,
      verb: 'import',
      state,
    }))
  },
})

export const providerOf = (
  providers: ReadonlyMap<string, AnyProvider>,
  kind: string,
): AnyProvider => {
  const provider = providers.get(kind)
  if (provider !== undefined) return provider
  const known = [...providers.keys()].toSorted().join(', ')
  throw new ForewordError(`there is no provider of the kind ${kind}`, {
    remedy: known === '' ? 'add one to the configuration' : `known kinds: ${known}`,
    exit_code: 2,
  })
}

const sameSighting = (a: Sighting | null, b: Sighting | null): boolean =>
  JSON.stringify([a?.state, a?.external_id]) === JSON.stringify([b?.state, b?.external_id])

/** What an API says, or that it says nothing, is no fault of ours. Of the database it is another matter. */
export const unseen = (what: string, scope: string, error: unknown): unknown => {
  const of_database =
    typeof error === 'object' &&
    error !== null &&
    ('severity' in error || ('code' in error && /^CONNECT/.test(String(error.code))))
  if (error instanceof ForewordError || of_database) return error
  return new ForewordError(
    `${what} could not be looked at: ${error instanceof Error ? error.message : String(error)}`,
    {
      where: `scope ${scope}`,
      remedy:
        'nothing was taken over: see that its API answers with one of that name, or import it and say which with --external-id',
      cause: error,
    },
  )
}

/** What is there under this name, or this id, once as many looks in a row agree as the provider's reads need. */
export const lookFor = async (
  deps: AdoptDeps,
  at: ResourceName,
  external_id: string | null,
): Promise<Sighting | null> => {
  const provider = providerOf(deps.providers, at.kind)
  const { traits } = provider
  const needed = Math.max(1, traits.sightings)
  let last: Sighting | null | undefined
  let agreed = 0
  for (let looks = 0; looks < looks_max && agreed < needed; looks++) {
    if (looks > 0)
      await new Promise((resolve) => setTimeout(resolve, Math.max(10, traits.settle_ms / 8)))
    const look = { ...at, external_id, outputs: {} }
    const seen = await readSurely(deps, provider, look).catch((error: unknown) => {
      throw unseen(resourceKey(at), at.scope, error)
    })
    agreed = last !== undefined && sameSighting(seen, last) ? agreed + 1 : 1
    last = seen
  }
  if (agreed >= needed) return last ?? null
  throw new ForewordError(`${resourceKey(at)} shows something else with each look`, {
    where: `scope ${at.scope}`,
    remedy: 'import it once it has come to rest',
  })
}

const refuseUnimportable = async (
  deps: AdoptDeps,
  scope: string,
  found: readonly Found[],
): Promise<void> => {
  const ids = found.map((one) => resourceId(scope, one.kind, one.name))
  const seen = await deps.store.seen(ids)
  const open = found.find((_, i) => seen.get(ids[i] ?? '')?.open === true)
  if (open !== undefined) {
    throw new ForewordError(`something is under way with ${resourceKey(open)}`, {
      where: `scope ${scope}`,
      remedy: 'import it once that is settled: see `foreword status`',
    })
  }
  for (const { kind, name, sighting } of found) {
    if (sighting.condition === 'pending') {
      throw new ForewordError(`${kind}/${name} is there, but not ready yet`, {
        where: `scope ${scope}`,
        remedy: 'import it once it is',
      })
    }
    if (sighting.external_id === undefined) continue
    const others = await deps.store.namesOf(scope, kind, [sighting.external_id])
    const other = others.get(sighting.external_id)
    if (other !== undefined && other !== name) {
      throw new ForewordError(`${kind}/${name} is known already, as ${kind}/${other}`, {
        where: `${sighting.external_id} in scope ${scope}`,
        remedy: `it may have one name only: see \`foreword why ${kind}/${other}\``,
      })
    }
  }
}

const lookOf = ({ version, sighting, ...at }: Imported) => ({
  resource: resourceId(at.scope, at.kind, at.name),
  version,
  observed: sighting.state,
  ...(sighting.external_id === undefined ? {} : { external_id: sighting.external_id }),
  ...(sighting.outputs === undefined ? {} : { outputs: sighting.outputs }),
  ...(sighting.revision === undefined ? {} : { revision: sighting.revision }),
  condition: sighting.condition ?? ('ready' as const),
  paths: [],
})

/** An import that was killed between its decision and its note is finished. */
const unfinished = async (
  deps: AdoptDeps,
  scope: string,
  found: readonly Found[],
): Promise<readonly Imported[]> => {
  const ids = found.map((one) => resourceId(scope, one.kind, one.name))
  const [held, seen] = [await deps.store.held(ids), await deps.store.seen(ids)]
  return found.flatMap((one, i) => {
    const [mine, sight] = [held.get(ids[i] ?? ''), seen.get(ids[i] ?? '')]
    const bare = mine?.state !== null && sight?.external_id === null && sight.observed === null
    const same = JSON.stringify(mine?.state) === JSON.stringify(one.sighting.state)
    return mine !== undefined && bare && same ? [{ ...one, version: mine.version }] : []
  })
}

/** Makes known what was found, in one decision. Throws where one of them is known, or is under way. */
export const importFound = async (
  deps: AdoptDeps,
  scope: string,
  found: readonly Found[],
  by: { readonly actor: string; readonly reason: string },
): Promise<readonly Imported[]> => {
  await refuseUnimportable(deps, scope, found)
  const input = {
    found: found.map(({ kind, name, sighting }) => ({ kind, name, state: sighting.state })),
  }
  const result = await deps.decide(importing, { scope, ...by, input, cause: 'observation' })
  let imported: readonly Imported[]
  switch (result.type) {
    case 'decided': {
      const versions = new Map(result.intents.map((one) => [resourceKey(one), one.version]))
      imported = found.map((one) => ({ ...one, version: versions.get(resourceKey(one)) ?? 0 }))
      break
    }
    case 'refused':
      imported = await unfinished(deps, scope, found)
      if (imported.length === found.length) break
      throw new ForewordError(result.reason, {
        where: `scope ${scope}`,
        remedy: 'see `foreword why`; a stack file may want it as it is',
      })
    case 'invalid':
      throw new ForewordError(result.reason, { where: `scope ${scope}`, remedy: result.remedy })
    case 'unchanged':
    case 'gave_up':
      throw new ForewordError('it could not be imported, others were faster', {
        where: `scope ${scope}`,
        remedy: 'try again',
      })
  }
  const began_at = await deps.store.now()
  await deps.store.noteLooks(imported.map((one) => ({ ...lookOf(one), began_at })))
  return imported
}
