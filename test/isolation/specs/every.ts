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
