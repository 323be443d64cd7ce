/**
 * io-ts errors as sentences for people: one for each innermost value that is wrong. Of a union only
 * the branch that fits best speaks, so that one typo is not told once per branch.
 */
import type * as t from 'io-ts'

export type Key = string | number

/** One thing that is wrong. `path` as a person writes it: `resources[3].spec.ttl`; '' is the whole. */
export interface Problem {
  readonly path: string
  readonly message: string
  readonly remedy: string
}

/** A problem with its path in parts, for whoever must find its place in a file. */
export interface Leaf extends Problem {
  readonly keys: readonly Key[]
  /** Whether the key itself is wrong or the value behind it. */
  readonly at: 'key' | 'value'
}

/** A codec may say how its failures are put right. */
export interface Helpful {
  readonly remedy?: string
}

const plain_key = /^[A-Za-z_$][\w$-]*$/

/** `resources[3].spec["a.b"]` of its parts. */
export const formatPath = (keys: readonly Key[]): string => {
  let path = ''
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`
    else if (!plain_key.test(key)) path += `[${show(key)}]`
    else path += path === '' ? key : `.${key}`
  }
  return path
}

const shown_chars_max = 60

/** A value in few words: what it is, or the value itself where it is short. */
export const show = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'string') return value === true ? 'true' : 'false'
  const text = JSON.stringify(value.slice(0, shown_chars_max))
  return value.length > shown_chars_max ? `${text}…` : text
}

/** What an io-ts type tells of itself; all of it optional, since anyone can make a codec. */
interface Shape extends Helpful {
  readonly name: string
  readonly _tag?: string
  readonly type?: Shape
  readonly types?: readonly Shape[]
  readonly value?: unknown
  readonly keys?: object
  readonly runDefinition?: () => Shape
  readonly is?: (value: unknown) => boolean
}

const described: { readonly [tag: string]: string } = {
  StringType: 'a string',
  NumberType: 'a number',
  BooleanType: 'true or false',
  NullType: 'null',
  UndefinedType: 'nothing',
  VoidType: 'nothing',
  BigIntType: 'a bigint',
  ArrayType: 'a list',
  ReadonlyArrayType: 'a list',
  AnyArrayType: 'a list',
  TupleType: 'a list',
  InterfaceType: 'an object',
  PartialType: 'an object',
  StrictType: 'an object',
  DictionaryType: 'an object',
  AnyDictionaryType: 'an object',
  IntersectionType: 'an object',
}

const words = /^[\p{L}\p{N}_][\p{L}\p{N}_ -]*$/u

/** "a number", "one of "a", "b"": what a codec wants, in words. */
export const describe = (shape: Shape, value?: unknown): string => {
  switch (shape._tag) {
    case 'LiteralType':
      return show(shape.value)
    case 'KeyofType':
      return `one of ${Object.keys(shape.keys ?? {})
        .map(show)
        .join(', ')}`
    case 'UnionType':
      return [...new Set((shape.types ?? []).map((type) => describe(type, value)))].join(' or ')
    case 'ExactType':
    case 'ReadonlyType':
      return shape.type === undefined ? shape.name : describe(shape.type, value)
    case 'RecursiveType':
      return shape.runDefinition === undefined ? shape.name : describe(shape.runDefinition(), value)
    case 'RefinementType':
      if (shape.type !== undefined && shape.type.is?.(value) !== true)
        return describe(shape.type, value)
      if (shape.name === 'Int' || shape.name === 'Integer') return 'a whole number'
      return words.test(shape.name) ? shape.name : `a valid ${shape.type?.name ?? 'value'}`
    case undefined:
    default:
      return described[shape._tag ?? ''] ?? shape.name
  }
}

const unwrapped = (shape: Shape): Shape => {
  let inner = shape
  for (;;) {
    const next = inner._tag === 'RecursiveType' ? inner.runDefinition?.() : inner.type
    const wraps = ['ExactType', 'ReadonlyType', 'RefinementType', 'RecursiveType']
    if (next === undefined || !wraps.includes(inner._tag ?? '')) return inner
    inner = next
  }
}

/** The errors of one decoding as a tree of the values that they are about. */
interface Node {
  readonly keys: readonly Key[]
  readonly type: Shape
  readonly failures: t.ValidationError[]
  /** Values inside this one. */
  readonly parts: Map<string, Node>
  /** The same value as seen by the members of a union or an intersection. */
  readonly branches: Map<string, Node>
}

const nodeOf = (keys: readonly Key[], type: Shape): Node => ({
  keys,
  type,
  failures: [],
  parts: new Map(),
  branches: new Map(),
})

const isMember = (value: unknown, key: string, member: unknown): boolean =>
  typeof value === 'object' && value !== null && Reflect.get(value, key) === member

const treeOf = (errors: t.Errors): Node | undefined => {
  let root: Node | undefined
  for (const error of errors) {
    const [top, ...rest] = error.context
    if (top === undefined) continue
    root ??= nodeOf([], top.type)
    let node = root
    let parent = top
    for (const entry of rest) {
      // A union or intersection hands the same value to each member and calls them '0', '1', …
      const same = Object.is(entry.actual, parent.actual)
      const branch = same && !isMember(parent.actual, entry.key, entry.actual)
      const inList = Array.isArray(parent.actual) && /^\d+$/.test(entry.key)
      const key = inList ? Number(entry.key) : entry.key
      const children = branch ? node.branches : node.parts
      const child =
        children.get(entry.key) ?? nodeOf(branch ? node.keys : [...node.keys, key], entry.type)
      children.set(entry.key, child)
      node = child
      parent = entry
    }
    node.failures.push(error)
  }
  return root
}

type Judged = Leaf & { readonly literal: boolean }

const leafOf = (keys: readonly Key[], type: Shape, failure: t.ValidationError): Judged => {
  const wanted = describe(type, failure.value)
  const missing = failure.value === undefined && keys.length > 0
  const otherwise = missing
    ? `is missing, expected ${wanted}`
    : `expected ${wanted}, got ${show(failure.value)}`
  return {
    keys,
    path: formatPath(keys),
    message: failure.message ?? otherwise,
    remedy: remedyOf(type.remedy, wanted, failure.value),
    at: type.name === unknown_key_name ? 'key' : 'value',
    literal: type._tag === 'LiteralType',
  }
}

/** The name of the codec that no key passes: by it an unknown key is told from a wrong value. */
export const unknown_key_name = 'no such key'

/** Texts that YAML reads as something else. */
const texts: ReadonlySet<string> = new Set(['a string', 'a name', 'a scope', 'a kind'])

const remedyOf = (declared: string | undefined, wanted: string, value: unknown): string => {
  const is_bare = typeof value === 'number' || typeof value === 'boolean'
  return is_bare && texts.has(wanted)
    ? `put it in quotes: "${value}"`
    : (declared ?? remedyFor(wanted, value))
}

const remedyFor = (wanted: string, value: unknown): string => {
  if (value === undefined) return 'add it'
  if (wanted === 'a number' && typeof value === 'string' && Number.isFinite(Number(value)))
    return 'write it without quotes'
  return `write ${wanted}`
}

type Ignored = (keys: readonly Key[]) => boolean

const leavesIn = (node: Node, ignored: Ignored): readonly Judged[] => {
  const own = ignored(node.keys)
    ? []
    : node.failures.map((failure) => leafOf(node.keys, node.type, failure))
  const parts = [...node.parts.values()].flatMap((part) => leavesIn(part, ignored))
  return [...own, ...parts, ...branchLeaves(node, ignored)]
}

const branchLeaves = (node: Node, ignored: Ignored): readonly Judged[] => {
  const branches = [...node.branches.values()].map((branch) => leavesIn(branch, ignored))
  if (unwrapped(node.type)._tag === 'IntersectionType') return branches.flat()
  if (branches.length === 0) return []
  const inside = branches.filter((leaves) =>
    leaves.every((leaf) => leaf.keys.length > node.keys.length),
  )
  const wrong = (leaves: readonly Judged[]): number => leaves.filter((leaf) => leaf.literal).length
  // A branch with nothing wrong but what is ignored would have taken the value: it comes first.
  const [best] = inside.sort((a, b) => wrong(a) - wrong(b) || a.length - b.length)
  if (best !== undefined) return best
  const [first] = [...node.branches.values()].flatMap((branch) => branch.failures)
  // A single member can only fail in its own words (a message of its own); several are summed up.
  if (first === undefined || branches.length === 1) return branches.flat()
  const { message: _message, ...plain } = first
  return [leafOf(node.keys, node.type, plain)]
}

/**
 * The innermost problems of a failed decoding, in the order in which they were found.
 * @param ignored paths that do not count; a union passes when one of its members has no other problem.
 */
export const leavesOf = (errors: t.Errors, ignored: Ignored = () => false): readonly Leaf[] => {
  const root = treeOf(errors)
  if (root === undefined) return []
  const found = new Map<string, Leaf>()
  for (const { literal: _literal, ...leaf } of leavesIn(root, ignored))
    found.set(`${leaf.path}\n${leaf.message}`, leaf)
  return [...found.values()]
}

/** io-ts errors as `{ path, message, remedy }`, e.g. `spec.ttl`, `expected a number, got "60"`. */
export const formatErrors = (errors: t.Errors): readonly Problem[] =>
  leavesOf(errors).map(({ path, message, remedy }) => ({ path, message, remedy }))
