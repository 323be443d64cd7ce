/** Decoding at the door: what comes from files and callers is checked here once and trusted inside. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { show, type Key } from './errors.ts'
import {
  defaulted,
  dictionary,
  Kind,
  Name,
  Need,
  rule,
  Scope,
  strictObject,
  wholeNumber,
} from './parts.ts'
import type { Json as JsonValue } from '../json.ts'
import { isLong, label_chars_max } from '../names.ts'

export { formatErrors, formatPath } from './errors.ts'
export type { Key } from './errors.ts'

/** Levels of lists and objects inside one another. Deeper than this is an accident or an attack. */
export const json_depth_max = 64
/** Values in one JSON value, those inside counted: what shares its parts can be small and yet endless. */
const json_values_max = 1_000_000
/** Problems told of one value; whoever has more has a file of the wrong kind. */
const json_problems_max = 20

const textFault = (text: string): string | undefined => {
  if (text.includes('\u0000')) return 'contains the character \\u0000, which Postgres cannot store'
  if (!text.isWellFormed()) return 'contains half a character (a lone surrogate)'
  return undefined
}

const scalarFault = (value: unknown): string | undefined => {
  if (value === null || typeof value === 'boolean') return undefined
  if (typeof value === 'string') return textFault(value)
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : `expected a finite number, got ${show(value)}`
  return `expected a JSON value, got ${value === undefined ? 'nothing' : typeof value}`
}

const keyFault = (key: string): string | undefined =>
  key === '__proto__' ? 'is no key that can be stored' : textFault(key)

type Members = readonly (readonly [Key, unknown])[]

/** Lists and plain objects only: a Date or a Map would be stored as something else. */
const membersOf = (value: object): Members | undefined => {
  if (Array.isArray(value)) return Array.from(value, (member: unknown, index) => [index, member])
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? Object.entries(value) : undefined
}

const validateJson = (top: unknown, context: t.Context): t.Validation<JsonValue> => {
  const errors: t.Errors = []
  let values = 0
  const trail: t.ContextEntry[] = []
  const fail = (value: unknown, message: string): void => {
    errors.push({ value, context: [...context, ...trail], message })
  }
  const walkInto = (key: Key, member: unknown): void => {
    trail.push({ key: String(key), type: Json, actual: member })
    const fault = typeof key === 'string' ? keyFault(key) : undefined
    if (fault === undefined) walk(member)
    else fail(member, `the key ${fault}`)
    trail.pop()
  }
  const walk = (value: unknown): void => {
    if (errors.length >= json_problems_max || ++values > json_values_max) return
    if (typeof value !== 'object' || value === null) {
      const fault = scalarFault(value)
      if (fault !== undefined) fail(value, fault)
      return
    }
    if (trail.length >= json_depth_max) {
      fail(value, `is nested deeper than ${json_depth_max} levels`)
      return
    }
    const members = membersOf(value)
    if (members === undefined) fail(value, `expected a JSON value, got ${value.constructor.name}`)
    for (const [key, member] of members ?? []) walkInto(key, member)
  }
  walk(top)
  if (values > json_values_max)
    return t.failure(top, context, `holds more than ${json_values_max} values`)
  return errors.length > 0 ? t.failures(errors) : t.success(top as JsonValue)
}

/**
 * A JSON value as jsonb can hold it and give it back: finite numbers, whole characters, no NUL, no
 * `__proto__`, at most {@link json_depth_max} deep. What is wrong is told with its place.
 */
export const Json: t.Type<JsonValue> = Object.assign(
  new t.Type<JsonValue>(
    'a JSON value',
    (u): u is JsonValue => E.isRight(validateJson(u, [])),
    validateJson,
    t.identity,
  ),
  { remedy: 'use null, true, false, finite numbers, text, lists and objects only' },
)
export type Json = JsonValue

/** A desired or assumed state. Null would mean "absent", which nobody asks for by writing it down. */
const Spec = Object.assign(
  new t.Type<JsonValue>(
    'the state that shall be',
    (u): u is JsonValue => u !== null && Json.is(u),
    (u, c) => (u === null || u === undefined ? t.failure(u, c) : Json.validate(u, c)),
    t.identity,
  ),
  { remedy: 'write the state that the resource shall have; {} if it has none' },
)

const LabelText = rule<string>('a string', (value) => {
  if (typeof value !== 'string') return ''
  return isLong(value)
    ? `the value of a label may have at most ${label_chars_max} characters, this has ${Array.from(value).length}`
    : textFault(value)
})

/** How a resource may change: see `WantedLifecycle`. */
const Lifecycle = strictObject(
  {},
  {
    prevent_destroy: t.boolean,
    create_before_destroy: t.boolean,
    ignore: t.readonlyArray(Name),
    replace_on: t.readonlyArray(Name),
    adopt: t.boolean,
  },
)

/** One resource of a stack file, complete. */
export const StackResource = strictObject(
  {
    kind: Kind,
    name: Name,
    needs: defaulted(t.readonlyArray(Need), []),
    labels: defaulted(dictionary(LabelText), {}),
    counters: defaulted(dictionary(wholeNumber(Number.MIN_SAFE_INTEGER)), {}),
    lifecycle: defaulted(Lifecycle, {}),
    spec: Spec,
  },
  { renamed_from: Name },
)
export type StackResource = t.TypeOf<typeof StackResource>

/** What one owner asks for in one scope. `stack` names the owner: `--prune` removes only its own. */
export const Stack = strictObject(
  {
    scope: Scope,
    stack: defaulted(Name, 'default'),
    resources: t.readonlyArray(StackResource),
  },
  {},
)
export type Stack = t.TypeOf<typeof Stack>
