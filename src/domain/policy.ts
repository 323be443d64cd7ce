/** What the policies of a configuration say of one resource. */
import type { Config, OnDrift, Policy } from './config.ts'
import { globMatches } from './glob.ts'
import type { ResourceName } from './ports.ts'

const policyFor = (
  policies: readonly Policy[],
  at: Pick<ResourceName, 'scope' | 'kind'>,
): readonly Policy[] =>
  policies.filter((p) => globMatches(p.scope, at.scope) && globMatches(p.kind, at.kind))

/** The last policy that says something wins, as in every list of rules that people write. */
export const driftPolicy =
  (config: Config) =>
  (at: ResourceName): OnDrift =>
    policyFor(config.policies, at).findLast((p) => p.on_drift !== undefined)?.on_drift ?? 'repair'

export const ignoredPaths =
  (config: Config) =>
  (at: ResourceName): readonly string[] =>
    policyFor(config.policies, at).flatMap((p) => p.ignore ?? [])
