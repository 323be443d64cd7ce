/** Providers and deciders come from people's code: they are checked by their shape and kept as they are. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { show, type Helpful } from './errors.ts'
import { dictionary, Kind, Name, rule, strictObject, wholeNumber } from './parts.ts'
import type { AnyDecider } from '../decider.ts'
import type { AnyProvider } from '../provider.ts'

/** Longer timers fire at once in Node: setTimeout counts in 31 bits. */
export const timer_ms_max = 2_147_483_647

/** More calls than any account gives, and few enough for the database to count. */
const calls_max = 1_000_000_000

const Rate = strictObject(
  {
    per_second: rule<number>(`a number above 0, ${calls_max} at most`, (value) =>
      Number.isFinite(value) && Number(value) > 0 && Number(value) <= calls_max ? undefined : '',
    ),
    burst: wholeNumber(1, calls_max),
  },
  {},
)

/** A year: longer is no interval, and must fit into a time. */
const look_interval_ms_max = 31_536_000_000

const bounds = strictObject(
  { min_ms: wholeNumber(1, look_interval_ms_max), max_ms: wholeNumber(1, look_interval_ms_max) },
  {},
)

const LookInterval = Object.assign(
  new t.Type<t.TypeOf<typeof bounds>, unknown>(
    'an object',
    bounds.is,
    (u, c) => {
      const decoded = bounds.validate(u, c)
      if (E.isLeft(decoded) || decoded.right.min_ms <= decoded.right.max_ms) return decoded
      const { min_ms } = decoded.right
      const context = t.appendContext(c, 'min_ms', bounds, min_ms)
      return t.failure(min_ms, context, 'is above max_ms')
    },
    bounds.encode,
  ),
  { remedy: 'write { min_ms: 60_000, max_ms: 3_600_000 }' },
)

const Idempotencies = t.keyof({ natural: null, token: null, lookup: null, none: null })

const plainTraits = strictObject(
  {
    idempotency: Idempotencies,
    token_valid_ms: wholeNumber(0),
    settle_ms: wholeNumber(0, timer_ms_max),
    sightings: wholeNumber(0),
    call_timeout_ms: wholeNumber(1, timer_ms_max),
    concurrency: wholeNumber(1),
  },
  {
    account: Name,
    rate: Rate,
    look_interval: LookInterval,
    operation_timeout_ms: wholeNumber(1, timer_ms_max),
    verbs: dictionary(Idempotencies),
  },
)

type TraitsDecoded = t.TypeOf<typeof plainTraits>

const validateTraits = (u: unknown, c: t.Context): t.Validation<TraitsDecoded> => {
  const decoded = plainTraits.validate(u, c)
  if (E.isLeft(decoded)) return decoded
  const { idempotency, token_valid_ms } = decoded.right
  if (idempotency !== 'token' || token_valid_ms > 0) return decoded
  const context = t.appendContext(c, 'token_valid_ms', plainTraits, token_valid_ms)
  return t.failure(token_valid_ms, context, 'must be above 0 where idempotency is "token"')
}

const Traits = Object.assign(
  new t.Type<TraitsDecoded, unknown>(
    'an object',
    plainTraits.is,
    validateTraits,
    plainTraits.encode,
  ),
  { remedy: 'start from { ...defaultTraits }' },
)

const Func = rule<unknown>('a function', (value) => (typeof value === 'function' ? undefined : ''))

const Codec: t.Type<unknown> & Helpful = rule(
  'an io-ts codec',
  (value) => {
    const methods = ['is', 'validate', 'decode', 'encode']
    const has = (method: string): boolean =>
      typeof value === 'object' &&
      value !== null &&
      typeof Reflect.get(value, method) === 'function'
    return methods.every(has) ? undefined : ''
  },
  "make one with io-ts, e.g. t.strict({ size: t.string }), where t is import * as t from 'io-ts'",
)

const reserved_verbs = ['create', 'update', 'delete']

const Calls = new t.Type<unknown>(
  'an object',
  (_): _ is unknown => true,
  (u, c) => {
    const decoded = dictionary(Func).validate(u, c)
    if (E.isLeft(decoded)) return decoded
    const verb = Object.keys(decoded.right).find((key) => reserved_verbs.includes(key))
    if (verb === undefined) return decoded
    const context = t.appendContext(c, verb, Func, decoded.right[verb])
    return t.failure(decoded.right[verb], context, `the verb ${show(verb)} is foreword's own`)
  },
  t.identity,
)

/** An object with these members, whatever else it has: the very same object comes out. */
const shaped = <A extends object>(
  name: string,
  required: t.Props,
  optional: t.Props,
): t.Type<A> => {
  const validate = (u: unknown, c: t.Context): t.Validation<A> => {
    if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, c)
    const errors: t.Errors = []
    for (const [key, codec] of Object.entries({ ...required, ...optional })) {
      const value: unknown = Reflect.get(u, key)
      if (value === undefined && required[key] === undefined) continue
      const result = codec.validate(value, t.appendContext(c, key, codec, value))
      if (E.isLeft(result)) errors.push(...result.left)
    }
    return errors.length > 0 ? t.failures(errors) : t.success(u as A)
  }
  return new t.Type<A>(name, (u): u is A => E.isRight(validate(u, [])), validate, t.identity)
}

const ProviderShape = shaped<AnyProvider>(
  'a provider',
  {
    kind: Kind,
    spec: Codec,
    state: Codec,
    traits: Traits,
    create: Func,
    update: Func,
    delete: Func,
    read: Func,
  },
  {
    find: Func,
    confirm: Func,
    poll: Func,
    list: Func,
    calls: Calls,
    names: t.keyof({ free: null, unique: null }),
    immutable: t.readonlyArray(Name),
  },
)

export const DeciderShape = shaped<AnyDecider>(
  'a decider made by defineDecider',
  { name: Name, version: wholeNumber(1), read: Func, decide: Func },
  {},
)

const nesting_max = 16

/** Lists of providers within lists, as one list in their order. */
export const ProviderLists = new t.Type<readonly AnyProvider[]>(
  'a list',
  (u): u is readonly AnyProvider[] => Array.isArray(u) && u.every(ProviderShape.is),
  (top, context) => {
    const errors: t.Errors = []
    const providers: AnyProvider[] = []
    const walk = (u: unknown, c: t.Context): void => {
      if (Array.isArray(u) && c.length < context.length + nesting_max) {
        u.forEach((member: unknown, at) => {
          walk(member, t.appendContext(c, String(at), ProviderShape, member))
        })
        return
      }
      const result = c === context ? t.failure<AnyProvider>(u, c) : ProviderShape.validate(u, c)
      if (E.isLeft(result)) errors.push(...result.left)
      else providers.push(result.right)
    }
    walk(top, context)
    return errors.length > 0 ? t.failures(errors) : t.success(providers)
  },
  t.identity,
)
