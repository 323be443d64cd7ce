/** What can go wrong, how likely, and how eventual the consistency is. Plain data, changeable at run time. */
import * as E from 'fp-ts/lib/Either.js'
import { isJsonObject } from '../domain/json.ts'

/** Faults that hit one request, in the order in which they are tried. At most one hits. */
export const requestFaults = [
  'throttle',
  'lose_request',
  'error_before',
  'hang',
  'lose_response',
  'error_after',
  'truncate',
] as const
export type RequestFault = (typeof requestFaults)[number]

/** A fault for some requests only. Rules are tried in order, before the general probabilities. */
export interface Rule {
  readonly account?: string
  readonly method?: string
  /** Matched against path and query, e.g. `^/v1/vms$`. */
  readonly path_regex?: string
  /** `delay` adds `ms` and lets the request go on to the next rule. */
  readonly fault: RequestFault | 'delay'
  /** Default 1. */
  readonly p?: number
  /** The rule hits at most so many times, then it is spent. */
  readonly n?: number
  /** Only for `delay`: least and most milliseconds. */
  readonly ms?: readonly [number, number]
  /** Only for `hang`: whether the effect happens. Default: the seed decides. */
  readonly effect?: boolean
}

export interface Faults {
  /** A write shows on every replica after so many milliseconds, on the quickest after `lag_ms / replicas`. */
  readonly lag_ms: number
  /** Each read is served from one of so many; from 2 on, reads can go backwards. */
  readonly replicas: number
  /** Probability: the effect happens, then the connection is cut without an answer. */
  readonly lose_response: number
  /** Probability: the connection is cut before anything happens. */
  readonly lose_request: number
  /** Probability: 500, and nothing happened. */
  readonly error_before: number
  /** Probability: 500 or 502, and it happened all the same. */
  readonly error_after: number
  /** Probability: 429 with Retry-After, and nothing happened. */
  readonly throttle: number
  readonly retry_after_s: number
  /** Probability: no answer, ever. In half of the cases the effect happens. */
  readonly hang: number
  /** Probability: the effect happens, and the answer is cut in its middle. */
  readonly truncate: number
  /** Probability that a new vm turns ERROR instead of ACTIVE. */
  readonly build_error: number
  /** Requests per second and account beyond which the answer is 429; 0: no limit. */
  readonly rate_per_s: number
  /** How many may come at once; 0: as many as `rate_per_s`. */
  readonly rate_burst: number
  /** Least and most milliseconds that a request waits before it has its effect. */
  readonly delay_ms: readonly [number, number]
  /** A vm is BUILD for so long. */
  readonly build_ms: number
  /** A vm is DELETING for so long. */
  readonly delete_ms: number
  /** Between the check of a quota and its being counted. */
  readonly quota_gap_ms: number
  /** Whether Idempotency-Key is remembered, and for how long. */
  readonly tokens: boolean
  readonly token_valid_ms: number
  /** Whether a write with an older X-Generation is refused. */
  readonly generations: boolean
  readonly match: readonly Rule[]
}

const calm: Faults = {
  lag_ms: 0,
  replicas: 1,
  lose_response: 0,
  lose_request: 0,
  error_before: 0,
  error_after: 0,
  throttle: 0,
  retry_after_s: 1,
  hang: 0,
  truncate: 0,
  build_error: 0,
  rate_per_s: 0,
  rate_burst: 0,
  delay_ms: [0, 0],
  build_ms: 0,
  delete_ms: 0,
  quota_gap_ms: 0,
  tokens: false,
  token_valid_ms: 60_000,
  generations: false,
  match: [],
}

const rough: Faults = {
  ...calm,
  lag_ms: 300,
  replicas: 2,
  lose_response: 0.05,
  throttle: 0.05,
  error_before: 0.03,
  error_after: 0.03,
  delay_ms: [0, 20],
  build_ms: 200,
  delete_ms: 100,
  quota_gap_ms: 20,
}

const hostile: Faults = {
  ...calm,
  lag_ms: 2_000,
  replicas: 3,
  lose_response: 0.1,
  lose_request: 0.05,
  error_before: 0.05,
  error_after: 0.08,
  throttle: 0.1,
  retry_after_s: 2,
  hang: 0.02,
  truncate: 0.03,
  build_error: 0.02,
  delay_ms: [0, 200],
  build_ms: 1_000,
  delete_ms: 500,
  quota_gap_ms: 50,
}

export const profiles = { calm, rough, hostile } as const
export type Profile = keyof typeof profiles

/** Faults as a person or a program gives them: a profile's name, or some fields over a profile. */
export type FaultsInput = Profile | (Partial<Faults> & { readonly profile?: Profile })

const isProfile = (value: unknown): value is Profile =>
  typeof value === 'string' && Object.hasOwn(profiles, value)

type Check = { readonly holds: (value: unknown) => boolean; readonly wanted: string }

const number = (min: number, max: number, wanted: string): Check => ({
  holds: (v) => typeof v === 'number' && v >= min && v <= max,
  wanted,
})
const probability = number(0, 1, 'a probability from 0 to 1')
const milliseconds = number(0, 86_400_000, 'milliseconds from 0 to 86400000')
const boolean: Check = { holds: (v) => typeof v === 'boolean', wanted: 'true or false' }
const text: Check = { holds: (v) => typeof v === 'string', wanted: 'a string' }
const whole = (min: number, max: number): Check => ({
  holds: (v) => Number.isInteger(v) && Number(v) >= min && Number(v) <= max,
  wanted: `a whole number from ${min} to ${max}`,
})
const range: Check = {
  holds: (v) =>
    Array.isArray(v) && v.length === 2 && v.every(milliseconds.holds) && Number(v[0]) <= v[1],
  wanted: '[least, most] milliseconds',
}
const regex: Check = {
  holds: (v) => {
    try {
      return typeof v === 'string' && new RegExp(v) instanceof RegExp
    } catch {
      return false
    }
  },
  wanted: 'a regular expression',
}

const ruleChecks: { readonly [K in keyof Required<Rule>]: Check } = {
  account: text,
  method: text,
  path_regex: regex,
  fault: {
    holds: (v) => v === 'delay' || requestFaults.some((name) => name === v),
    wanted: `one of ${requestFaults.join(', ')}, delay`,
  },
  p: probability,
  n: whole(0, 1_000_000_000),
  ms: range,
  effect: boolean,
}

const checks: { readonly [K in Exclude<keyof Faults, 'match'>]: Check } = {
  lag_ms: milliseconds,
  replicas: whole(1, 16),
  lose_response: probability,
  lose_request: probability,
  error_before: probability,
  error_after: probability,
  throttle: probability,
  retry_after_s: whole(0, 3_600),
  hang: probability,
  truncate: probability,
  build_error: probability,
  rate_per_s: number(0, 1_000_000, 'requests per second from 0 to 1000000'),
  rate_burst: number(0, 1_000_000, 'requests from 0 to 1000000'),
  delay_ms: range,
  build_ms: milliseconds,
  delete_ms: milliseconds,
  quota_gap_ms: milliseconds,
  tokens: boolean,
  token_valid_ms: milliseconds,
  generations: boolean,
}

/** The first thing wrong with `value`, or null. */
const wrongWith = (
  value: { readonly [key: string]: unknown },
  known: { readonly [key: string]: Check },
  where: string,
): string | null => {
  for (const [key, given] of Object.entries(value)) {
    const check = Object.hasOwn(known, key) ? known[key] : undefined
    if (check === undefined)
      return `${where}${key} is unknown; known: ${Object.keys(known).join(', ')}`
    if (!check.holds(given)) return `${where}${key} must be ${check.wanted}`
  }
  return null
}

const wrongWithRules = (value: unknown): string | null => {
  if (!Array.isArray(value)) return 'match must be a list of rules'
  for (const [index, rule] of value.entries()) {
    const where = `match[${index}]`
    if (!isJsonObject(rule)) return `${where} must be an object`
    const wrong = wrongWith(rule, ruleChecks, `${where}.`)
    if (wrong !== null) return wrong
    if (rule['fault'] === undefined) return `${where}.fault is missing`
    if (rule['fault'] === 'delay' && rule['ms'] === undefined) return `${where}.ms is missing`
  }
  return null
}

/**
 * A profile's name, or an object with some fields; `profile` in it says over which one they are
 * laid, else they are laid over `base`. Left: what is wrong, with the field's name.
 */
export const decodeFaults = (input: unknown, base: Faults = calm): E.Either<string, Faults> => {
  if (isProfile(input)) return E.right(profiles[input])
  const names = Object.keys(profiles).join(', ')
  if (!isJsonObject(input)) return E.left(`faults must be one of ${names}, or a JSON object`)
  const { profile, match, ...fields } = input
  if (profile !== undefined && !isProfile(profile)) return E.left(`profile must be one of ${names}`)
  const wrong =
    wrongWith(fields, checks, '') ?? (match === undefined ? null : wrongWithRules(match))
  if (wrong !== null) return E.left(wrong)
  const over = match === undefined ? fields : { ...fields, match }
  // The checks above have seen every field of `over`; the compiler cannot follow a table of checks.
  return E.right({
    ...(profile === undefined ? base : profiles[profile]),
    ...(over as Partial<Faults>),
  })
}

/** The same from a command line: a profile's name, or JSON. */
export const parseFaults = (argument: string): E.Either<string, Faults> => {
  if (!argument.trimStart().startsWith('{')) return decodeFaults(argument)
  try {
    return decodeFaults(JSON.parse(argument))
  } catch (error) {
    return E.left(`faults are not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
