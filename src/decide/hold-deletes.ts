/** The blast radius: a decision that deletes more of a kind than its policies let pass waits for a person. */
import * as E from 'fp-ts/lib/Either.js'
import type { Policy } from '../domain/config.ts'
import { policiesOf } from '../domain/policy.ts'
import type { Change, ResourceName } from '../domain/ports.ts'

export type Kind = Pick<ResourceName, 'scope' | 'kind'>

/** How many resources of a kind there are; undefined: not asked yet. */
export type Counted = (kind: Kind) => number | undefined

interface Group extends Kind {
  readonly policy: Policy
  readonly deletes: number
}

const keyOf = ({ scope, kind }: Kind, at: number): string => JSON.stringify([at, scope, kind])

/** Deletions by the policy that has the say, its scope and its kind. */
const grouped = (
  policies: readonly Policy[],
  deletes: readonly ResourceName[],
): readonly Group[] => {
  const groups = new Map<string, Group & { at: number }>()
  for (const { scope, kind, name } of deletes) {
    const policy = policiesOf(policies, { scope, kind, name }).findLast(
      (p) => p.deletes_max !== undefined || p.deletes_max_percent !== undefined,
    )
    if (policy === undefined) continue
    const at = policies.indexOf(policy)
    const key = keyOf({ scope, kind }, at)
    const before = groups.get(key)?.deletes ?? 0
    groups.set(key, { at, policy, scope, kind, deletes: before + 1 })
  }
  return [...groups.values()].toSorted(
    (a, b) => a.at - b.at || (keyOf(a, 0) < keyOf(b, 0) ? -1 : 1),
  )
}

/** Whose number must be known to tell whether there are too many. */
const uncounted = (groups: readonly Group[], counted: Counted): readonly Kind[] =>
  groups.filter(
    ({ policy, ...kind }) =>
      (policy.deletes_max_percent ?? 0) > 0 &&
      kind.deletes <= (policy.deletes_max ?? Infinity) &&
      counted(kind) === undefined,
  )

/** What is too much, of one group; null: nothing. */
const excess = ({ policy, deletes, ...at }: Group, counted: Counted): string | null => {
  const { deletes_max: max, deletes_max_percent: percent } = policy
  const told = `${deletes === 1 ? '1 deletion' : `${deletes} deletions`} of ${at.kind} in ${at.scope} by one decision`
  if (max !== undefined && deletes > max) return `${told}, ${max} at most`
  if (percent === undefined) return null
  const over = percent === 0 || (counted(at) ?? Infinity) * percent < deletes * 100
  return over ? `${told}, ${percent} % at most` : null
}

const idOf = ({ scope, kind, name }: ResourceName): string => JSON.stringify([scope, kind, name])

const held = (change: Change, because: string): Change => {
  const waits = 'awaiting_approval' as const
  if (change.verb === 'delete') return { ...change, initial: waits, held_because: because }
  const { replace } = change
  if (replace === undefined || replace.deposed !== undefined) return change
  return { ...change, held_because: because, replace: { ...replace, first_initial: waits } }
}

export const limitsDeletes = (policies: readonly Policy[]): boolean =>
  policies.some((p) => p.deletes_max !== undefined || p.deletes_max_percent !== undefined)

/**
 * The changes, their deletions held where they are too many. `beside`: deletions of the same run, which takes several
 * decisions for what its caller takes for one. Left: kinds that must be counted first.
 */
export const holdDeletes = (
  changes: readonly Change[],
  policies: readonly Policy[],
  counted: Counted,
  beside: readonly ResourceName[] = [],
): E.Either<readonly Kind[], readonly Change[]> => {
  const deposed = new Set(changes.map((c) => idOf({ ...c, name: c.replace?.deposed ?? '' })))
  // A replacement ends what is there; that its old one has another name until then counts no second time.
  const mine = changes.filter((c) =>
    c.verb === 'delete' ? !deposed.has(idOf(c)) : c.verb === 'replace',
  )
  if (mine.length === 0 || !limitsDeletes(policies)) return E.right(changes)
  const all = new Map([...beside, ...mine].map((at) => [idOf(at), at]))
  const groups = grouped(policies, [...all.values()])
  const missing = uncounted(groups, counted)
  if (missing.length > 0) return E.left(missing)
  const because = groups.map((group) => excess(group, counted)).find((why) => why !== null)
  if (because === undefined) return E.right(changes)
  return E.right(changes.map((change) => held(change, because)))
}
