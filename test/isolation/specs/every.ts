/** All specs, for who asks for one by its name. */
import type { Spec } from '../spec.ts'
import { controlSpecs } from './controls.ts'
import { hermitageSpecs } from './hermitage.ts'
import { itemSpecs } from './items.ts'
import { predicateSpecs } from './predicates.ts'
import { readOnlySpecs } from './read-only.ts'

export const everySpec: readonly Spec[] = [
  ...itemSpecs,
  ...predicateSpecs,
  ...readOnlySpecs,
  ...hermitageSpecs,
  ...controlSpecs,
]

/** Specs that are not here, and why. */
export const without_counterpart: readonly (readonly [what: string, why: string])[] = [
  ['read-only-anomaly', 'it is at REPEATABLE READ: here it is a mutant'],
  ['read-only-anomaly-3', 'DEFERRABLE waits inside of a transaction, and nobody here does'],
  ['G1b', 'a decision writes each resource once (FW013), so nothing is intermediate'],
  ['prepared-transactions-cic', 'making an index is no decision'],
  ['predicate-tid-range-scan', 'deciders read by keys; test/decide holds them to their locks'],
  ['predicate-bitmap-scan', 'deciders have no bitmap scans'],
  ['index_only_scan_ssi', 'deciders have no index-only scans'],
]
