/** How a wanted resource may change: what its owner says of it beside its state. */
import { formatPath, type Key } from './codec/errors.ts'
import { sameState } from './diff.ts'
import { pathMatcher } from './glob.ts'
import { isJsonObject, type Json } from './json.ts'

export interface WantedLifecycle {
  /** Whoever decides: it is neither deleted nor replaced. */
  readonly prevent_destroy?: boolean
  /**
   * How it is replaced. True: the new one is there before the old one goes; false: after. Absent: before, where
   * somebody who stays refers to it and the provider allows two of one name.
   */
  readonly create_before_destroy?: boolean
  /** Path patterns that others set: neither put right nor told as drift. */
  readonly ignore?: readonly string[]
  /** Path patterns whose change needs a new one. */
  readonly replace_on?: readonly string[]
  /** Take over what is there already, instead of making a second one. */
  readonly adopt?: boolean
  /** Foreword's own: the old one of a replacement goes once the new one is there. */
  readonly replaced_by?: string
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/**
 * A state with the values of another at the ignored paths. What the other does not have there goes: it was
 * taken away by whom the path belongs to.
 */
export const withIgnored = (state: Json, theirs: Json, ignore: readonly string[]): Json => {
  if (ignore.length === 0) return state
  const ignored = pathMatcher(ignore)
  const walk = (
    mine: Json | undefined,
    other: Json | undefined,
    keys: readonly Key[],
  ): Json | undefined => {
    if (keys.length > 0 && ignored(keys)) return other
    if (isJsonObject(mine) && isJsonObject(other)) {
      const merged: { [key: string]: Json } = {}
      for (const key of new Set([...Object.keys(mine), ...Object.keys(other)])) {
        const value = walk(mine[key], other[key], [...keys, key])
        if (value !== undefined) merged[key] = value
      }
      return merged
    }
    if (isList(mine) && isList(other) && mine.length === other.length) {
      return mine.map((member, at) => walk(member, other[at], [...keys, at]) ?? null)
    }
    return mine
  }
  return walk(state, theirs, []) ?? null
}

const at = (value: Json | undefined, keys: readonly Key[]): Json | undefined => {
  let found = value
  for (const key of keys) {
    if (isList(found)) found = found[Number(key)]
    else if (isJsonObject(found) && Object.hasOwn(found, String(key))) found = found[String(key)]
    else return undefined
  }
  return found
}

/** All paths of a value, its own first. */
const pathsIn = (value: Json | undefined): readonly (readonly Key[])[] => {
  const found: (readonly Key[])[] = []
  const walk = (inside: Json | undefined, keys: readonly Key[]): void => {
    found.push(keys)
    if (isList(inside))
      inside.forEach((member, i) => {
        walk(member, [...keys, i])
      })
    else if (isJsonObject(inside)) {
      for (const [key, member] of Object.entries(inside)) walk(member, [...keys, key])
    }
  }
  walk(value, [])
  return found
}

/** The first path under one of the patterns at which two states differ; undefined: they agree there. */
export const forcingPath = (
  before: Json,
  after: Json,
  patterns: readonly string[],
): string | undefined => {
  if (patterns.length === 0) return undefined
  const covered = pathMatcher(patterns)
  const differs = [...pathsIn(after), ...pathsIn(before)].find(
    (keys) => keys.length > 0 && covered(keys) && !sameState(at(before, keys), at(after, keys)),
  )
  return differs === undefined ? undefined : formatPath(differs)
}
