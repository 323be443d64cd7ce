/** What the policies of a configuration say of one resource. */
import { week_days, type OnDrift, type Policy, type Window } from './config.ts'
import { globMatches } from './glob.ts'
import type { Json } from './json.ts'
import type { ResourceName } from './ports.ts'

/** Those that cover it, in their order. */
export const policiesOf = (policies: readonly Policy[], at: ResourceName): readonly Policy[] =>
  policies.filter(
    (p) =>
      globMatches(p.scope, at.scope) &&
      globMatches(p.kind, at.kind) &&
      globMatches(p.name ?? '*', at.name),
  )

/** The last policy that says something wins, as in every list of rules that people write. */
export const driftPolicy =
  (policies: readonly Policy[]) =>
  (at: ResourceName): OnDrift =>
    policiesOf(policies, at).findLast((p) => p.on_drift !== undefined)?.on_drift ?? 'repair'

export const ignoredPaths =
  (policies: readonly Policy[]) =>
  (at: ResourceName): readonly string[] =>
    policiesOf(policies, at).flatMap((p) => p.ignore ?? [])

const minutes = (time: string): number => {
  const [hours = 0, rest = 0] = time.split(':').map(Number)
  return hours * 60 + rest
}

const windowJson = ({ days, from = '00:00', to = '24:00' }: Window): Json => ({
  days: (days ?? week_days).map((day) => week_days.indexOf(day) + 1),
  from: minutes(from),
  to: minutes(to),
})

/** What workers and deciders in SQL must know of them; what only a reconcile keeps is left out. */
export const registrable = (policies: readonly Policy[]): readonly Json[] =>
  policies.map((p) => ({
    scope: p.scope,
    kind: p.kind,
    name: p.name ?? '*',
    approve: p.approve === undefined ? null : [...p.approve],
    prevent_destroy: p.prevent_destroy ?? null,
    deletes_max: p.deletes_max ?? null,
    deletes_max_percent: p.deletes_max_percent ?? null,
    windows: p.window === undefined ? null : [p.window].flat().map(windowJson),
  }))
