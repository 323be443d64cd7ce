/**
 * Who waits for whom among what is decided together. That what goes waits for those that refer to it so far is asked
 * of as many of them as can be: a wait that would close a circle is never over, and its API is to say then whether
 * it lets go what is in use.
 */
import { needsOf, resourceKey } from '../domain/reference.ts'
import { dependentsOf, isCreatedFirst, type Judged, type WantedItem } from './judge.ts'

/** `end KEY`: what is there so far is gone; `make KEY`: what is wanted is there. */
type Step = `${'end' | 'make'} ${string}`

export interface Waits {
  /**
   * Makes the end of the one wait for the other to be through with it; false: it would wait for itself. Quick where
   * those who leave the same one come after each other.
   */
  readonly add: (left: string, leaver: string) => boolean
}

export const waitsAmong = (
  items: readonly WantedItem[],
  judged: ReadonlyMap<string, Judged>,
): Waits => {
  const by_key = new Map(items.map((item) => [resourceKey(item), item]))
  const dependents = dependentsOf(items)
  const added = new Map<string, string[]>()
  // Else nothing that is made waits for an end.
  const may_circle = [...judged.values()].some((of) => of.verb === 'replace' && !isCreatedFirst(of))
  const verbOf = (key: string): Judged['verb'] => judged.get(key)?.verb ?? 'none'
  const isMade = (key: string): boolean => ['create', 'update', 'replace'].includes(verbOf(key))
  const isEnded = (key: string): boolean => ['delete', 'replace'].includes(verbOf(key))
  const endOf = (key: string): readonly Step[] => (isEnded(key) ? [`end ${key}`] : [])

  const beforeMade = (key: string): readonly Step[] => {
    const item = by_key.get(key)
    const needs = item === undefined || item.spec === null ? [] : needsOf(item).filter(isMade)
    const own = isCreatedFirst(judged.get(key)) ? [] : endOf(key)
    return [...needs.map((need): Step => `make ${need}`), ...own]
  }
  /** When it refers no more to what it referred to. */
  const through = (key: string): readonly Step[] =>
    isEnded(key) ? endOf(key) : isMade(key) ? [`make ${key}`] : []

  const beforeEnd = (key: string): readonly Step[] => {
    const needing = (dependents.get(key) ?? []).map(resourceKey)
    const first = isCreatedFirst(judged.get(key))
    const after = by_key.get(key)?.after ?? []
    const made = (first ? [key, ...needing, ...after] : after).filter(isMade)
    return [
      ...[...needing, ...after.filter((one) => !isMade(one))].flatMap(endOf),
      ...made.map((one): Step => `make ${one}`),
      ...(added.get(key) ?? []).flatMap(through),
    ]
  }
  /** Steps that were found not to wait for the end of `at`. What is added to that end changes nothing of it. */
  let at: string | undefined
  let known = new Set<Step>()
  const waits = (from: readonly Step[], left: string): boolean => {
    if (at !== left) [at, known] = [left, new Set()]
    const open = from.filter((step) => !known.has(step))
    const met = new Set<Step>(open)
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      if (step === `end ${left}`) return true
      const key = step.slice(step.indexOf(' ') + 1)
      for (const before of step.startsWith('end ') ? beforeEnd(key) : beforeMade(key)) {
        if (met.has(before) || known.has(before)) continue
        met.add(before)
        open.push(before)
      }
    }
    for (const step of met) known.add(step)
    return false
  }
  return {
    add: (left, leaver) => {
      if (may_circle && waits(through(leaver), left)) return false
      const all = added.get(left)
      if (all === undefined) added.set(left, [leaver])
      else all.push(leaver)
      return true
    },
  }
}
