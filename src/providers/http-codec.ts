/** What a declared resource's codecs tell about it: its keys, and its state inside an answer. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { ForewordError } from '../domain/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import { pick, type Paths } from './http-template.ts'

/** Keys of an io-ts object codec, each with whether null stands for absence there; null: not an object codec. */
const keysOf = (codec: t.Mixed): ReadonlyMap<string, { null_is_absent: boolean }> | null => {
  if (codec instanceof t.InterfaceType || codec instanceof t.PartialType) {
    const optional = codec instanceof t.PartialType
    const props = Object.entries(codec.props as t.Props)
    return new Map(props.map(([key, of]) => [key, { null_is_absent: optional && !of.is(null) }]))
  }
  if (codec instanceof t.IntersectionType) {
    const parts = (codec.types as readonly t.Mixed[]).map(keysOf)
    return new Map(parts.flatMap((part) => (part === null ? [] : [...part])))
  }
  if (
    codec instanceof t.ExactType ||
    codec instanceof t.RefinementType ||
    codec instanceof t.ReadonlyType
  ) {
    return keysOf(codec.type as t.Mixed)
  }
  return null
}

/** Says which parts of a value a codec does not accept, without the values: they may be secret. */
const mismatch = (errors: t.Errors): string =>
  [
    ...new Set(
      errors.map(({ context }) => {
        const path = context.flatMap(({ key }) => (key === '' || /^\d+$/.test(key) ? [] : [key]))
        return `${path.join('.') || 'the whole'} is no ${context.at(-1)?.type.name ?? 'known type'}`
      }),
    ),
  ]
    .slice(0, 3)
    .join(', ')

export type StateOf = Paths | ((body: JsonObject) => Json)

/** Where the state is in an answer. Throws at declaration time when neither codec nor declaration tells. */
export const stateReader = (
  kind: string,
  codec: t.Mixed,
  declared: StateOf | undefined,
): ((body: JsonObject) => Json) => {
  if (typeof declared === 'function') return declared
  if (declared !== undefined) return (body) => pick(body, declared)
  const keys = keysOf(codec)
  if (keys === null || keys.size === 0) {
    throw new ForewordError('it is not known which fields of an answer are the state', {
      where: `provider of ${kind}`,
      remedy:
        'declare `state`, or make the codec a t.type, t.partial, t.strict or their intersection',
    })
  }
  return (body) => {
    const found = Object.entries(pick(body, [...keys.keys()]))
    return Object.fromEntries(
      found.filter(([key, value]) => value !== null || keys.get(key)?.null_is_absent !== true),
    )
  }
}

/** The state as its codec writes it; left: what does not fit. */
export const canonical = <State>(
  codec: t.Type<State, Json>,
  state: Json,
): E.Either<string, Json> => {
  const decoded = codec.decode(state)
  return E.isLeft(decoded) ? E.left(mismatch(decoded.left)) : E.right(codec.encode(decoded.right))
}

/** `{ ...a, ...b }` where both are objects, else b. */
export const overlaid = (under: Json, over: Json): Json =>
  isJsonObject(under) && isJsonObject(over) ? { ...under, ...over } : over
