/**
 * References: `{ ref: 'KIND/NAME#path.to.output' }` anywhere in a spec stands for what another
 * resource of the same scope turned out to have, and is resolved when the call is made. `#id` is its
 * external id. An object whose only key is `ref` with a text behind it is always a reference, so that
 * a mistyped one is an error and not a value that somebody sends to an API.
 */
import * as E from 'fp-ts/lib/Either.js'
import { formatPath, type Key } from './codec/errors.ts'
import { Need } from './codec/parts.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'

export interface Ref {
  readonly kind: string
  readonly name: string
  /** Keys into the outputs; `['id']` alone is the external id. */
  readonly output: readonly string[]
}

/** A reference and where it stands in the spec. */
export interface PlacedRef extends Ref {
  readonly keys: readonly Key[]
}

export interface MissingRef {
  /** Where in the spec: `address.ip`. */
  readonly path: string
  readonly ref: string
  readonly reason: string
}

/** What a lookup knows of a resource. */
export interface Referable {
  readonly outputs: JsonObject
  readonly external_id: string | null
}

/** `KIND/NAME` of a resource, as `needs` and references write it. */
export const resourceKey = (resource: { readonly kind: string; readonly name: string }): string =>
  `${resource.kind}/${resource.name}`

/** Kind and name of `KIND/NAME`; the first slash parts them, since only names contain slashes. */
export const parseResourceKey = (key: string): { readonly kind: string; readonly name: string } => {
  const slash = key.indexOf('/')
  return { kind: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The text of a reference, well written or not; undefined: the value is no reference. */
export const refText = (value: Json): string | undefined => {
  if (!isJsonObject(value)) return undefined
  const text = value['ref']
  return typeof text === 'string' && Object.keys(value).length === 1 ? text : undefined
}

/** Left: what is wrong with the text, as a sentence. The last `#` counts, since names may contain one. */
export const parseReference = (text: string): E.Either<string, Ref> => {
  const hash = text.lastIndexOf('#')
  const output = text.slice(hash + 1).split('.')
  const key = text.slice(0, Math.max(hash, 0))
  if (hash < 0 || !Need.is(key) || output.includes(''))
    return E.left(`expected a reference KIND/NAME#OUTPUT, got ${JSON.stringify(text)}`)
  return E.right({ ...parseResourceKey(key), output })
}

interface Found {
  readonly keys: readonly Key[]
  readonly text: string
}

const textsIn = (spec: Json): readonly Found[] => {
  const found: Found[] = []
  const walk = (value: Json, keys: readonly Key[]): void => {
    const text = refText(value)
    if (text !== undefined) found.push({ keys, text })
    else if (Array.isArray(value))
      value.forEach((member: Json, index) => {
        walk(member, [...keys, index])
      })
    else if (isJsonObject(value))
      for (const [key, member] of Object.entries(value)) walk(member, [...keys, key])
  }
  walk(spec, [])
  return found
}

/** All well-written references in a spec, in the order of the text. */
export const referencesOf = (spec: Json): readonly PlacedRef[] =>
  textsIn(spec).flatMap(({ keys, text }) => {
    const ref = parseReference(text)
    return E.isRight(ref) ? [{ ...ref.right, keys }] : []
  })

/** References that are not well written, with their places. */
export const malformedReferencesOf = (
  spec: Json,
): readonly { readonly keys: readonly Key[]; readonly reason: string }[] =>
  textsIn(spec).flatMap(({ keys, text }) => {
    const ref = parseReference(text)
    return E.isLeft(ref) ? [{ keys, reason: ref.left }] : []
  })

/** `KIND/NAME` of all that a resource depends on: what it says it needs and what its spec refers to. */
export const needsOf = (resource: {
  readonly needs: readonly string[]
  readonly spec: Json
}): readonly string[] => [
  ...new Set([...resource.needs, ...referencesOf(resource.spec).map(resourceKey)]),
]

const outputOf = (outputs: JsonObject, path: readonly string[]): Json | undefined => {
  let value: Json | undefined = outputs
  for (const key of path) {
    // Own members only: `#constructor` and `#length` are no outputs.
    if (Array.isArray(value)) value = /^\d+$/.test(key) ? (value as Json[])[Number(key)] : undefined
    else if (isJsonObject(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

type Lookup = (kind: string, name: string) => Referable | undefined

const resolveOne = (text: string, lookup: Lookup): E.Either<string, Json> => {
  const ref = parseReference(text)
  if (E.isLeft(ref)) return ref
  const { kind, name, output } = ref.right
  const target = lookup(kind, name)
  if (target === undefined) return E.left(`${kind}/${name} is not known`)
  const isId = output.length === 1 && output[0] === 'id'
  const value = isId ? target.external_id : outputOf(target.outputs, output)
  // An output that is null is not there yet, like the address of a machine that is being built.
  if (value === undefined || value === null)
    return E.left(
      isId
        ? `${kind}/${name} has no external id yet`
        : `${kind}/${name} has no output ${output.join('.')} yet`,
    )
  return E.right(value)
}

/** The spec with every reference replaced by its value, or all that could not be resolved. */
export const resolveReferences = (
  spec: Json,
  lookup: Lookup,
): E.Either<readonly MissingRef[], Json> => {
  const missing: MissingRef[] = []
  const walk = (value: Json, keys: readonly Key[]): Json => {
    const text = refText(value)
    if (text !== undefined) {
      const resolved = resolveOne(text, lookup)
      if (E.isRight(resolved)) return resolved.right
      missing.push({ path: formatPath(keys), ref: text, reason: resolved.left })
      return null
    }
    if (Array.isArray(value)) return value.map((member: Json, at) => walk(member, [...keys, at]))
    if (!isJsonObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, walk(member, [...keys, key])]),
    )
  }
  const resolved = walk(spec, [])
  return missing.length > 0 ? E.left(missing) : E.right(resolved)
}
