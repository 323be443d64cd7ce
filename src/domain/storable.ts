/**
 * What Postgres can keep of what an API answered: jsonb takes no NUL and no lone surrogate, JSON turns
 * NaN into null without a word, and one answer of many megabytes would hold up those written with it.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Json } from './json.ts'

/** Deeper than this Postgres' own parser may refuse what JavaScript wrote. */
const depth_max = 100
const text_length_max = 500

/** Characters of JSON that are kept of one state, or of one resource's outputs. */
const kept_length_max = 1024 * 1024

const replacement = '\ufffd'

/** What cannot stand in a text of Postgres. */
const oddIn = (text: string): string | null => {
  if (text.includes('\0')) return 'holds NUL'
  return text.isWellFormed() ? null : 'holds half a character (a lone surrogate)'
}

/** The text as it can be kept and shown: what cannot is replaced. */
export const wellFormed = (text: string): string =>
  text.replaceAll('\0', replacement).toWellFormed()

/** The beginning of a text, whole characters only. */
export const brief = (text: string): string => wellFormed(text.slice(0, text_length_max))

const wrongWithMembers = (value: object, path: string, depth: number): string | null => {
  const is_list = Array.isArray(value)
  for (const [key, member] of Object.entries(value) as readonly [string, unknown][]) {
    // An absent member is left out by JSON, and was meant to be.
    if (member === undefined && !is_list) continue
    const at = is_list ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const odd = oddIn(key)
    const wrong = odd === null ? wrongWith(member, at, depth + 1) : `a name, ${at}, ${odd}`
    if (wrong !== null) return wellFormed(wrong)
  }
  return null
}

/** What is wrong with a value, with its path; null: it can be kept as it is. */
const wrongWith = (value: unknown, path: string, depth: number): string | null => {
  const here = path === '' ? 'the whole' : path
  if (value === null || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${here} is ${value}`
  if (typeof value === 'string') {
    const odd = oddIn(value)
    return odd === null ? null : `${here} ${odd}`
  }
  if (typeof value !== 'object') return `${here} is a ${typeof value}, and no JSON`
  return depth >= depth_max
    ? `${here.slice(0, 40)}… is nested deeper than ${depth_max}`
    : wrongWithMembers(value, path, depth)
}

/** The value, or why it cannot be kept as it is. */
export const storable = (
  value: unknown,
  length_max: number = kept_length_max,
): E.Either<string, Json> => {
  const wrong = wrongWith(value, '', 0)
  if (wrong !== null) return E.left(wrong)
  const length = JSON.stringify(value).length
  return length > length_max
    ? E.left(`it is ${length} characters long, more than ${length_max}`)
    : E.right(value as Json)
}
