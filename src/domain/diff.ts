/**
 * Differences between states, path by path.
 *
 * Lists: two lists of equal length that hold nothing but objects are compared member by member, so
 * that an API may add ids and times of its own to each; any other lists are one value each, compared
 * as a whole and in order. A list is not a set: a provider whose API reorders sorts what it reads.
 */
import { formatPath, type Key } from './codec/errors.ts'
import { pathMatcher } from './glob.ts'
import { isJsonObject, type Json } from './json.ts'

export interface Difference {
  /** `records[0].ttl`; '' is the whole state. */
  readonly path: string
  readonly assumed: Json
  /** What was seen there; null also where nothing was. */
  readonly observed: Json
}

/** One line of a plan. An absent `before` is added, an absent `after` is taken away. */
export interface Change {
  readonly path: string
  readonly before?: Json
  readonly after?: Json
}

export interface DiffOptions {
  /** Path patterns that do not count: `tags.*`, `rules[*].id`; see {@link pathMatcher}. */
  readonly ignore?: readonly string[]
}

/** Equal as jsonb: the order of keys does not matter, the order of lists does, `1` is not `"1"`. */
export const sameState = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (Array.isArray(a) || Array.isArray(b)) return sameLists(a, b)
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameState(a[key], b[key]))
  )
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

const sameLists = (a: Json | undefined, b: Json | undefined): boolean =>
  isList(a) &&
  isList(b) &&
  a.length === b.length &&
  a.every((member, at) => sameState(member, b[at]))

/** Lists that are compared member by member. */
const pairUp = (a: Json | undefined, b: Json | undefined): a is readonly Json[] =>
  isList(a) && isList(b) && a.length === b.length && a.every(isJsonObject) && b.every(isJsonObject)

const own = (value: Json | undefined, key: Key): Json | undefined => {
  if (isList(value)) return value[Number(key)]
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/**
 * What was seen to be other than assumed. Only what `assumed` mentions counts, since an API shows
 * more than it was told. A null that is not seen at all is no difference, nor is an empty object:
 * APIs leave both out, and repairing it would never end.
 */
export const diffPaths = (
  assumed: Json,
  observed: Json,
  options: DiffOptions = {},
): readonly Difference[] => {
  const ignored = pathMatcher(options.ignore ?? [])
  const found: Difference[] = []
  const walk = (wanted: Json, seen: Json | undefined, keys: readonly Key[]): void => {
    if (ignored(keys)) return
    const inside =
      isJsonObject(wanted) && (isJsonObject(seen) || (keys.length > 0 && (seen ?? null) === null))
    if (inside || pairUp(wanted, seen)) {
      for (const [key, member] of Object.entries(wanted)) {
        const at = inside ? key : Number(key)
        walk(member, own(seen, at), [...keys, at])
      }
    } else if (!sameState(wanted, seen ?? null))
      found.push({ path: formatPath(keys), assumed: wanted, observed: seen ?? null })
  }
  walk(assumed, observed, [])
  return found
}

/**
 * What is assumed once the differences are believed: what was seen where it differs, and everything else as it
 * was. So references stay references, what is ignored stays what it was, and what an API shows besides is not
 * taken for something that anybody asked for. `expected` is `assumed` with its references resolved.
 */
export const believedState = (
  assumed: Json,
  expected: Json,
  observed: Json,
  options: DiffOptions = {},
): Json => {
  const ignored = pathMatcher(options.ignore ?? [])
  const walk = (
    old: Json | undefined,
    wanted: Json,
    seen: Json | undefined,
    keys: readonly Key[],
  ): Json | undefined => {
    if (ignored(keys)) return old
    if (old !== wanted && isJsonObject(old) && Object.hasOwn(old, 'ref') && isJsonObject(wanted)) {
      return diffPaths(wanted, seen ?? null).length === 0 ? old : walk(wanted, wanted, seen, keys)
    }
    const inside =
      isJsonObject(wanted) && (isJsonObject(seen) || (keys.length > 0 && (seen ?? null) === null))
    if (inside) {
      const members = Object.entries(wanted).flatMap(([key, member]) => {
        const now = walk(own(old, key), member, own(seen, key), [...keys, key])
        return now === undefined ? [] : [[key, now] as const]
      })
      return Object.fromEntries(members)
    }
    if (pairUp(wanted, seen)) {
      return wanted.map(
        (member, at) => walk(own(old, at), member, own(seen, at), [...keys, at]) ?? null,
      )
    }
    return sameState(wanted, seen ?? null) ? old : seen
  }
  return observed === null ? null : (walk(assumed, expected, observed, []) ?? null)
}

/** All that an update changes, both ways: a plan also tells what is taken away. */
export const renderDiff = (
  before: Json,
  after: Json,
  options: DiffOptions = {},
): readonly Change[] => {
  const ignored = pathMatcher(options.ignore ?? [])
  const found: Change[] = []
  const walk = (old: Json | undefined, young: Json | undefined, keys: readonly Key[]): void => {
    if (ignored(keys)) return
    if ((isJsonObject(old) && isJsonObject(young)) || pairUp(old, young)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(young ?? {})])) {
        const at = isList(old) ? Number(key) : key
        walk(own(old, at), own(young, at), [...keys, at])
      }
    } else if (!sameState(old, young))
      found.push({
        path: formatPath(keys),
        ...(old === undefined ? {} : { before: old }),
        ...(young === undefined ? {} : { after: young }),
      })
  }
  walk(before, after, [])
  return found
}
