/**
 * What was refused when it was to be created, since another one has its name: found there, it would be refused in
 * each run, without end. It is held, and told, until somebody says what it is: imported or adopted it is ours, gone
 * it is made, and whoever wants it otherwise has it tried once more.
 */
import { sameState } from '../domain/diff.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Sighting } from '../domain/provider.ts'
import type { DesiredRow, ReconcileStore } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import { lookFor, type AdoptDeps } from './adopt.ts'
import { leave, type Leaving } from './go-on.ts'

interface TakenDeps extends AdoptDeps {
  readonly store: AdoptDeps['store'] & Pick<ReconcileStore, 'refused' | 'noteTaken' | 'endDrift'>
}

/** Null: nobody has its name. */
const standsThere = async (
  deps: TakenDeps,
  row: DesiredRow,
): Promise<Sighting | null | 'unseen'> => {
  const provider = deps.providers.get(row.kind)
  // Where two of one name may be there, another one was not what it was refused for.
  if (provider === undefined || provider.names === 'free') return null
  const { scope, kind, name } = row
  return lookFor(deps, { scope, kind, name }, null).catch((error: unknown) => {
    if (error instanceof ForewordError) return 'unseen'
    throw error
  })
}

/** Leaves what cannot be created as long as another one has its name. Who adopts has done so before. */
export const leaveTaken = async (
  deps: TakenDeps,
  rows: readonly DesiredRow[],
  leaving: Leaving,
): Promise<void> => {
  const asked = rows.filter((row) => !leaving.keys.has(resourceKey(row)))
  const refused = await deps.store.refused(asked.map(({ resource }) => resource))
  for (const row of asked) {
    const of = refused.get(row.resource)
    if (of === undefined) continue
    const same = row.spec !== null && sameState(of.state, row.spec)
    const twin = same ? await standsThere(deps, row) : null
    // Who never could look is tried, and its API answers for certain; what was found stays found.
    if (twin === null || (twin === 'unseen' && !of.taken)) {
      if (of.taken) await deps.store.endDrift([row.resource])
      continue
    }
    const { scope, kind, name } = row
    const found = twin === 'unseen' ? undefined : (twin.external_id ?? null)
    if (found !== undefined) await deps.store.noteTaken(row.resource, found)
    const id = typeof found === 'string' ? `, ${found}` : ''
    const error = new ForewordError(
      `${kind}/${name} cannot be created: another one of that name is there${id}`,
      {
        where: `scope ${scope}`,
        remedy: `take it over with foreword import ${kind} ${name} or lifecycle.adopt: true, or remove it there`,
      },
    )
    leave(leaving, [resourceKey(row)], error)
  }
}
