/**
 * Keys that a codec would drop in silence, as `t.strict` and `t.exact` do. In a spec such a key is a
 * typo: what its writer asked for would never be done, and nobody would be told.
 */
import { formatPath, show, type Key, type Leaf } from './errors.ts'
import { nearest } from './nearest.ts'
import { isJsonObject, type Json } from '../json.ts'
import { refText } from '../reference.ts'

const droppedLeaf = (keys: readonly Key[], known: readonly string[]): Leaf => {
  const key = String(keys.at(-1))
  const near = nearest(key, known)
  return {
    keys,
    path: formatPath(keys),
    message: `unknown key ${show(key)}${near === undefined ? '' : `, the nearest known one is ${show(near)}`}`,
    remedy: `rename or remove it${known.length === 0 ? '' : `; known keys: ${known.join(', ')}`}`,
    at: 'key',
  }
}

/** What an io-ts type tells of its parts. */
interface Shape {
  readonly _tag?: string
  readonly type?: Shape
  readonly types?: readonly Shape[]
  readonly props?: { readonly [key: string]: Shape }
  readonly codomain?: Shape
  readonly runDefinition?: () => Shape
}

interface Keys {
  readonly props: { readonly [key: string]: Shape }
  /** Whether other keys are dropped. */
  readonly exact: boolean
}

const keysOf = (shape: Shape): Keys | undefined => {
  switch (shape._tag) {
    case 'InterfaceType':
    case 'PartialType':
      return { props: shape.props ?? {}, exact: false }
    case 'StrictType':
      return { props: shape.props ?? {}, exact: true }
    case 'ExactType':
    case 'ReadonlyType':
    case 'RefinementType': {
      const inner = shape.type === undefined ? undefined : keysOf(shape.type)
      return inner && { ...inner, exact: inner.exact || shape._tag === 'ExactType' }
    }
    case 'IntersectionType': {
      const members = (shape.types ?? []).map(keysOf)
      const known = members.filter((member) => member !== undefined)
      const props = Object.assign({}, ...known.map((member) => member.props)) as Keys['props']
      const exact = known.length === members.length && known.every((member) => member.exact)
      return { props, exact }
    }
    case undefined:
    default:
      return undefined
  }
}

const elementOf = (shape: Shape): Shape | undefined =>
  shape._tag === 'ArrayType' || shape._tag === 'ReadonlyArrayType' ? shape.type : undefined

/** Told from the codec alone: for values that cannot be decoded yet, since they hold references. */
export const unknownKeysOf = (
  codec: object,
  value: Json,
  at: readonly Key[] = [],
): readonly Leaf[] => {
  const shape = codec as Shape
  if (refText(value) !== undefined) return []
  if (Array.isArray(value)) {
    const element = elementOf(shape)
    if (element === undefined) return []
    return value.flatMap((member: Json, index) => unknownKeysOf(element, member, [...at, index]))
  }
  const keys = keysOf(shape)
  if (!isJsonObject(value) || keys === undefined) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const prop = Object.hasOwn(keys.props, key) ? keys.props[key] : undefined
    if (prop !== undefined) return unknownKeysOf(prop, member, [...at, key])
    return keys.exact ? [droppedLeaf([...at, key], Object.keys(keys.props))] : []
  })
}

/** Told from what came out of the codec: whatever key went in and did not come out. */
export const droppedKeysOf = (
  codec: object,
  given: Json,
  kept: Json,
  at: readonly Key[] = [],
): readonly Leaf[] => {
  if (Array.isArray(given)) {
    if (!Array.isArray(kept) || kept.length !== given.length) return []
    const element = elementOf(codec) ?? {}
    return given.flatMap((member: Json, index) =>
      droppedKeysOf(element, member, kept[index] as Json, [...at, index]),
    )
  }
  if (!isJsonObject(given) || !isJsonObject(kept)) return []
  const props = keysOf(codec)?.props ?? {}
  return Object.entries(given).flatMap(([key, member]) => {
    const inner = kept[key]
    if (inner !== undefined) return droppedKeysOf(props[key] ?? {}, member, inner, [...at, key])
    return member === null ? [] : [droppedLeaf([...at, key], Object.keys(props))]
  })
}
