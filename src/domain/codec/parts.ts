/** The parts that foreword's own codecs are made of: strict objects, dictionaries, names, ranges. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { describe, show, unknown_key_name, type Helpful } from './errors.ts'
import { nearestFirst } from './nearest.ts'
import { isJsonObject } from '../json.ts'

const name_chars_max = 512

/** A codec of values that are returned as they are. `fault`: what is wrong with it; undefined: nothing. */
export const rule = <A>(
  name: string,
  fault: (value: unknown) => string | undefined,
  remedy?: string,
): t.Type<A, A> & Helpful => {
  const codec = new t.Type<A, A>(
    name,
    (u): u is A => fault(u) === undefined,
    (u, c) => {
      const message = fault(u)
      if (message === undefined) return t.success(u as A)
      return message === '' ? t.failure(u, c) : t.failure(u, c, message)
    },
    t.identity,
  )
  return remedy === undefined ? codec : Object.assign(codec, { remedy })
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for.
const control = /[\u0000-\u001f\u007f-\u009f]/

const nameFault =
  (what: string, allowed: RegExp | undefined) =>
  (value: unknown): string | undefined => {
    if (typeof value !== 'string') return ''
    if (value === '') return `${what} may not be empty`
    if (value.length > name_chars_max)
      return `${what} may have at most ${name_chars_max} characters, this has ${value.length}`
    if (control.test(value)) return `${what} may not contain control characters, got ${show(value)}`
    if (!value.isWellFormed()) return `${what} must be well-formed Unicode, got half a character`
    const odd =
      allowed === undefined ? undefined : Array.from(value).find((char) => !allowed.test(char))
    return odd === undefined
      ? undefined
      : `${what} may not contain ${show(odd)}, got ${show(value)}`
  }

const kindFault = nameFault('a kind', /[\w.:-]/)
const anyNameFault = nameFault('a name', undefined)

/** Tenant or account. */
export const Scope = rule<string>(
  'a scope',
  nameFault('a scope', /[\w.:/-]/),
  'use letters, digits and _ . : / -',
)
/** Kind of a resource. It has no `/`, so that `KIND/NAME` has one reading. */
export const Kind = rule<string>('a kind', kindFault, 'use letters, digits and _ . : -')
/** Name of a resource, a label or a metric: any text on one line. */
export const Name = rule<string>(
  'a name',
  anyNameFault,
  `use 1 to ${name_chars_max} characters, none of them a control character`,
)

/** `KIND/NAME`, another resource of the same scope. The name may contain slashes, the kind may not. */
export const Need = rule<string>(
  'KIND/NAME',
  (value) => {
    if (typeof value !== 'string') return ''
    const slash = value.indexOf('/')
    if (slash < 0) return `expected KIND/NAME, got ${show(value)}`
    return kindFault(value.slice(0, slash)) ?? anyNameFault(value.slice(slash + 1))
  },
  'write KIND/NAME, as in dns_zone/example.org.',
)

/** A whole number from `min` to `max`, both included. */
export const wholeNumber = (
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): t.Type<number, number> & Helpful => {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} upwards` : `from ${min} to ${max}`
  const name = min === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number ${range}`
  return rule<number>(name, (value) =>
    Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max ? undefined : '',
  )
}

/** The same codec, but nothing at all stands for `fallback`. */
export const defaulted = <A, O>(codec: t.Type<A, O>, fallback: A): t.Type<A, O> =>
  Object.assign(
    new t.Type<A, O>(
      describe(codec),
      (u): u is A => codec.is(u),
      (u, c) => (u === undefined ? t.success(fallback) : codec.validate(u, c)),
      (a) => codec.encode(a),
    ),
    'remedy' in codec ? { remedy: codec.remedy } : {},
  )

/** The codec that no key passes. */
const unknownKey = new t.Type<never>(
  unknown_key_name,
  (_): _ is never => false,
  (u, c) => t.failure(u, c),
  t.identity,
)

type Strict<R extends t.Props, O extends t.Props> = {
  readonly [K in keyof R]: t.TypeOf<R[K]>
} & { readonly [K in keyof O]?: t.TypeOf<O[K]> }

/**
 * An object with these keys and no others: a key that is dropped in silence is a typo that nobody
 * finds. Unlike `t.strict` it looks at own keys only and leaves absent optional keys absent.
 */
export const strictObject = <R extends t.Props, O extends t.Props>(
  required: R,
  optional: O,
): t.Type<Strict<R, O>, unknown> => {
  const known = [...Object.keys(required), ...Object.keys(optional)]
  const validate = (u: unknown, c: t.Context): t.Validation<Strict<R, O>> => {
    if (!isJsonObject(u)) return t.failure(u, c)
    const errors: t.Errors = []
    const decoded: { [key: string]: unknown } = {}
    for (const key of Object.keys(u)) {
      if (known.includes(key)) continue
      const [near, ...others] = nearestFirst(key, known)
      const message = `unknown key ${show(key)}, the nearest known one is ${show(near)}`
      const remedy = `rename or remove it${others.length > 0 ? `; known keys: ${known.join(', ')}` : ''}`
      const type = Object.assign(Object.create(unknownKey) as typeof unknownKey, { remedy })
      errors.push({ value: u[key], context: t.appendContext(c, key, type, u[key]), message })
    }
    for (const key of known) {
      const value: unknown = Object.hasOwn(u, key) ? u[key] : undefined
      const codec = required[key] ?? optional[key]
      if (codec === undefined || (value === undefined && required[key] === undefined)) continue
      const result = codec.validate(value, t.appendContext(c, key, codec, value))
      if (E.isLeft(result)) errors.push(...result.left)
      else decoded[key] = result.right
    }
    return errors.length > 0 ? t.failures(errors) : t.success(decoded as Strict<R, O>)
  }
  return new t.Type<Strict<R, O>, unknown>(
    'an object',
    (u): u is Strict<R, O> => E.isRight(validate(u, [])),
    validate,
    (decoded) => {
      const encoded: { [key: string]: unknown } = {}
      for (const [key, value] of Object.entries(decoded))
        encoded[key] = (required[key] ?? optional[key])?.encode(value)
      return encoded
    },
  )
}

/** An object of any number of keys, each a name. */
export const dictionary = <A>(codec: t.Type<A>): t.Type<{ readonly [key: string]: A }> => {
  type Decoded = { readonly [key: string]: A }
  const validate = (u: unknown, c: t.Context): t.Validation<Decoded> => {
    if (!isJsonObject(u)) return t.failure(u, c)
    const errors: t.Errors = []
    for (const [key, value] of Object.entries(u)) {
      const named =
        key === '__proto__'
          ? t.failure<string>(
              key,
              t.appendContext(c, key, Name, key),
              'is no key that can be stored',
            )
          : Name.validate(key, t.appendContext(c, key, Name, key))
      const result = codec.validate(value, t.appendContext(c, key, codec, value))
      if (E.isLeft(named)) errors.push(...named.left)
      if (E.isLeft(result)) errors.push(...result.left)
    }
    return errors.length > 0 ? t.failures(errors) : t.success(u as unknown as Decoded)
  }
  const is = (u: unknown): u is Decoded => E.isRight(validate(u, []))
  return new t.Type<Decoded>('an object', is, validate, t.identity)
}
