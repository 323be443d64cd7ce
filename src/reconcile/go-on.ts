/**
 * Going on without what cannot be decided. A run that nobody watches must not leave a whole scope as it is for one
 * resource that no provider takes, is protected, or has something under way: that one is left, and told, and so is
 * whatever the rest would take away from under it.
 */
import type { ForewordError } from '../domain/errors.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { ReconcileStore } from '../domain/reconcile-ports.ts'
import { needsOf, parseResourceKey, referencesOf, resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { ConvergeInput } from './converge.ts'
import { Undecidable } from './parts.ts'
import type { PrepareDeps, Row } from './others.ts'
import { prepare, type Prepared } from './prepare.ts'

/** What was left as it is, and why. */
export interface Left {
  readonly scope: string
  /** `KIND/NAME`; null: all that is wanted in the scope. */
  readonly resource: string | null
  readonly reason: string
  readonly remedy: string
}

/** What a run goes on without. */
export interface Leaving {
  readonly scope: string
  readonly keys: Set<string>
  readonly told: Left[]
}

export const leave = (leaving: Leaving, keys: readonly string[], error: ForewordError): void => {
  const { scope, told } = leaving
  const [resource = null] = keys
  // What it says may be an API's words, by way of a look.
  told.push({ scope, resource, reason: withoutSecrets(error.message), remedy: error.remedy })
  for (const key of keys) leaving.keys.add(key)
}

/** What is left keeps all that it needs, or refers to as it is: neither is to go, or to be made anew, without it. */
const keepNeeded = async (
  store: Pick<ReconcileStore, 'held'>,
  { scope, keys }: Leaving,
  rows: readonly Row[],
): Promise<void> => {
  const by_key = new Map(rows.map((row) => [resourceKey(row), row]))
  const idOf = (row: Row): string => resourceId(scope, row.kind, row.name)
  for (let open = [...keys]; open.length > 0;) {
    const here = open.flatMap((key) => by_key.get(key) ?? [])
    const held = await store.held(here.map(idOf))
    const needed = here.flatMap((row) => [
      ...needsOf(row),
      ...referencesOf(held.get(idOf(row))?.state ?? null).map(resourceKey),
    ])
    open = [...new Set(needed)].filter((key) => !keys.has(key))
    for (const key of open) keys.add(key)
  }
}

/** What would go, though somebody wants what needs it: by files that is refused, and SQL may want anything. */
const neededStill = async (
  { judged, items }: Prepared,
  everybody: () => Promise<readonly Row[]>,
): Promise<{ readonly key: string; readonly by: string } | undefined> => {
  const going = new Set(
    items
      .filter((item) => item.spec === null && judged.get(resourceKey(item))?.verb === 'delete')
      .map(resourceKey),
  )
  if (going.size === 0) return undefined
  for (const row of await everybody()) {
    const key = row.spec === null ? undefined : needsOf(row).find((need) => going.has(need))
    if (key !== undefined) return { key, by: resourceKey(row) }
  }
  return undefined
}

/** Prepares all that can be: what cannot is left. Undefined `leaving`: it throws instead. */
export const prepareSome = async (
  deps: PrepareDeps,
  scope: string,
  rows: readonly Row[],
  elsewhere: () => Promise<readonly Row[]>,
  leaving: Leaving | undefined,
): Promise<Prepared> => {
  if (leaving === undefined) return prepare(deps, scope, rows, elsewhere)
  const kept = (all: readonly Row[]): readonly Row[] =>
    all.filter((row) => !leaving.keys.has(resourceKey(row)))
  const keptElsewhere = async (): Promise<readonly Row[]> => kept(await elsewhere())
  for (;;) {
    try {
      const prepared = await prepare(deps, scope, kept(rows), keptElsewhere)
      const needed = await neededStill(prepared, elsewhere)
      if (needed === undefined) return prepared
      const { key, by } = needed
      throw new Undecidable([key], `${key} is wanted no more, and ${by} needs it`, {
        where: `scope ${scope}`,
        remedy: 'take that out first, or want this again',
      })
    } catch (error) {
      if (!(error instanceof Undecidable)) throw error
      if (error.keys.every((key) => leaving.keys.has(key))) throw error
      leave(leaving, error.keys, error)
      await keepNeeded(deps.store, leaving, await elsewhere())
    }
  }
}

/** Who is left, and must come before something of this; or is not there, and is needed by it. */
export const stuckBy = async (
  store: Pick<ReconcileStore, 'held'>,
  input: ConvergeInput,
  { scope, keys }: Leaving,
): Promise<string | undefined> => {
  const first = input.wanted
    .flatMap((item) => input.needers[resourceKey(item)] ?? [])
    .find((needer) => keys.has(needer))
  if (first !== undefined || keys.size === 0) return first
  const needs = new Set(input.wanted.flatMap((item) => (item.spec === null ? [] : needsOf(item))))
  const ids = new Map(
    [...needs]
      .filter((key) => keys.has(key))
      .map((key) => {
        const { kind, name } = parseResourceKey(key)
        return [key, resourceId(scope, kind, name)] as const
      }),
  )
  if (ids.size === 0) return undefined
  const held = await store.held([...ids.values()])
  return [...ids].find(([, id]) => (held.get(id)?.state ?? null) === null)?.[0]
}

/** Two halves of it, each a decision of its own; null: it is decided as a whole or not at all. */
export const halved = (input: ConvergeInput): readonly ConvergeInput[] | null => {
  const { wanted } = input
  if (wanted.length < 2 || input.replacing !== undefined) return null
  const middle = Math.ceil(wanted.length / 2)
  return [wanted.slice(0, middle), wanted.slice(middle)].map((half) => ({ ...input, wanted: half }))
}
