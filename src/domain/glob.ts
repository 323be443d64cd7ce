/** Patterns of policies. No regular expressions: a pattern costs at most its length times the text's. */
import type { Key } from './codec/errors.ts'

/** A character is what a person takes for one, also where it has two halves. */
const lengthAt = (text: string, at: number): number =>
  (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1

/** Whether `*` (any text, slashes too) and `?` (one character) of a pattern cover a whole scope, kind or name. */
export const globMatches = (pattern: string, text: string): boolean => {
  let p = 0
  let at = 0
  let star = -1
  let retry = 0
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++
      retry = at
    } else if (pattern[p] === '?') {
      p++
      at += lengthAt(text, at)
    } else if (p < pattern.length && pattern[p] === text[at]) {
      p++
      at++
    } else if (star >= 0) {
      p = star + 1
      retry += lengthAt(text, retry)
      at = retry
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** `tags.*`, `rules[*].id` and `rules.0.id` as segments. */
const segmentsOf = (pattern: string): readonly string[] =>
  pattern
    .replace(/\[([^\]]*)\]/g, '.$1')
    .replace(/^\./, '')
    .split('.')

/**
 * Makes a test of paths out of path patterns. A segment is a glob, `**` stands for any number of
 * segments, and what lies below a matching path matches as well: `tags` covers `tags.a.b`.
 */
export const pathMatcher = (patterns: readonly string[]): ((keys: readonly Key[]) => boolean) => {
  const parsed = patterns.map(segmentsOf)
  return (keys) => parsed.some((segments) => covers(segments, keys.map(String)))
}

const covers = (segments: readonly string[], keys: readonly string[]): boolean => {
  // Positions in the pattern that the keys so far can have led to.
  let reached = skipped(segments, new Set([0]))
  for (const key of keys) {
    if (reached.has(segments.length)) return true
    const following = new Set<number>()
    for (const at of reached) {
      const segment = segments[at] ?? ''
      if (segment === '**') following.add(at)
      else if (globMatches(segment, key)) following.add(at + 1)
    }
    reached = skipped(segments, following)
  }
  return reached.has(segments.length)
}

/** `**` may stand for nothing at all. */
const skipped = (segments: readonly string[], reached: Set<number>): ReadonlySet<number> => {
  for (const at of reached) if (segments[at] === '**') reached.add(at + 1)
  return reached
}
