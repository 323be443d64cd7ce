/** YAML and JSON (which is YAML too) with the place of every value. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Alias,
  type Document,
} from 'yaml'
import { formatPath, json_depth_max, type Key } from '../domain/codec/codec.ts'

export interface Place {
  readonly line: number
  readonly column: number
}

/** One thing that is wrong, its place, and what to do. */
export interface StackProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** `resources[3].spec.ttl`; '' is the whole document. */
  readonly path: string
  readonly message: string
  readonly remedy: string
}

type YamlProblem = Omit<StackProblem, 'file'>

export interface YamlDocument {
  readonly value: unknown
  /** Where the value (or the key) at this path stands; where there is none, whatever is around it. */
  readonly place: (keys: readonly Key[], at?: 'key' | 'value') => Place
}

export interface Parsed {
  readonly problems: readonly YamlProblem[]
  readonly documents: readonly YamlDocument[]
}

/** Anchors are for saying a thing once, but what they unfold to must stay in proportion. */
const alias_count_max = 10_000
const unfolded_values_max = 1_000_000
const unfolded_chars_max = 40 * 1024 * 1024

const too_much = 'its anchors and aliases unfold to more than a stack can hold'
const too_much_remedy = 'write out what the aliases stand for, or divide the file'
const too_deep = `is nested deeper than ${json_depth_max} levels`
/** The levels of a stack file above a spec. */
const levels_above = 8

/** What YAML allows and a stack cannot hold. */
class Unfit extends Error {
  readonly keys: readonly Key[]
  readonly remedy: string
  constructor(keys: readonly Key[], message: string, remedy: string) {
    super(message)
    this.keys = keys
    this.remedy = remedy
  }
}

/** A plain copy, aliases unfolded within bounds and whole numbers as numbers, where they are exact. */
const plain = (top: unknown): unknown => {
  let values = 0
  let chars = 0
  const keys: Key[] = []
  const inside = (key: Key, value: unknown): unknown => {
    keys.push(key)
    const copy = walk(value)
    keys.pop()
    return copy
  }
  const walk = (value: unknown): unknown => {
    values += 1
    if (typeof value === 'string') chars += value.length
    if (values > unfolded_values_max || chars > unfolded_chars_max)
      throw new Unfit([], too_much, too_much_remedy)
    if (keys.length > json_depth_max + levels_above)
      throw new Unfit(keys.slice(0, levels_above), too_deep, 'make it flatter')
    if (typeof value === 'bigint') {
      if (Number.isSafeInteger(Number(value))) return Number(value)
      throw new Unfit(
        [...keys],
        `the number ${value} is too large to be kept exactly`,
        'put it in quotes',
      )
    }
    if (Array.isArray(value)) return value.map((member, at) => inside(at, member))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        chars += key.length
        return [key, inside(key, member)]
      }),
    )
  }
  return walk(top)
}

const start = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key))

const offsetOf = (doc: Document, keys: readonly Key[], at: 'key' | 'value'): number => {
  let node: unknown = doc.contents
  let offset = start(node) ?? 0
  for (const [index, key] of keys.entries()) {
    if (isAlias(node)) node = node.resolve(doc)
    if (isSeq(node)) node = node.items[Number(key)]
    else if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item.key) === key)
      const last = index === keys.length - 1
      offset = start(pair?.key) ?? offset
      if (pair === undefined || (last && at === 'key')) return offset
      node = pair.value
    } else return offset
    offset = start(node) ?? offset
  }
  return offset
}

/** The first alias without an anchor before it; each alias asked for itself would be quadratic. */
const lostAlias = (doc: Document): Alias | undefined => {
  const anchors = new Set<string>()
  let lost: Alias | undefined
  visit(doc, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        if (anchors.has(node.source)) return undefined
        lost = node
        return visit.BREAK
      }
      if (node.anchor !== undefined) anchors.add(node.anchor)
      return undefined
    },
  })
  return lost
}

const syntaxMessages: { readonly [code: string]: readonly [string, string] } = {
  DUPLICATE_KEY: ['the key is there twice', 'remove one of the two'],
  RESOURCE_EXHAUSTION: [too_deep, 'make it flatter'],
  TAB_AS_INDENT: ['tabs may not indent in YAML', 'indent with spaces'],
  NON_STRING_KEY: ['a key must be a text', 'write the key as a text'],
}

const valueOf = (doc: Document): unknown => {
  try {
    return plain(doc.toJS({ maxAliasCount: alias_count_max }))
  } catch (error) {
    if (error instanceof Unfit || !(error instanceof Error)) throw error
    // yaml throws ReferenceErrors of its own, for aliases only; the stack runs out on alias chains.
    throw new Unfit([], too_much, too_much_remedy)
  }
}

const parseOne = (
  doc: Document.Parsed,
  lines: LineCounter,
  has_aliases: boolean,
): YamlDocument | YamlProblem => {
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const fault = doc.errors[0] ?? doc.warnings[0]
  if (fault !== undefined) {
    const [message, remedy] = syntaxMessages[fault.code] ?? [fault.message, 'correct the syntax']
    return { ...placeAt(fault.pos[0]), path: '', message, remedy }
  }
  const lost = has_aliases ? lostAlias(doc) : undefined
  if (lost !== undefined) {
    const message = `the alias *${lost.source} has no anchor before it`
    return {
      ...placeAt(start(lost) ?? 0),
      path: '',
      message,
      remedy: `define &${lost.source} above`,
    }
  }
  try {
    return {
      value: valueOf(doc),
      place: (keys, at = 'value') => placeAt(offsetOf(doc, keys, at)),
    }
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    const { keys, message, remedy } = error
    return { ...placeAt(offsetOf(doc, keys, 'value')), path: formatPath(keys), message, remedy }
  }
}

const nothing: YamlProblem = {
  line: 1,
  column: 1,
  path: '',
  message: 'is empty',
  remedy: 'write `scope:` and `resources:` into it',
}

/** All documents of a text. Empty ones between others (a `---` too many) do not count. */
export const parseYaml = (text: string): Parsed => {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    stringKeys: true,
    intAsBigInt: true,
    merge: true,
    prettyErrors: false,
    logLevel: 'silent',
  })
  // Looking for aliases walks through all of it.
  const has_aliases = text.includes('*')
  const problems: YamlProblem[] = []
  const documents: YamlDocument[] = []
  for (const doc of Array.from(parsed as Iterable<Document.Parsed>)) {
    const one = parseOne(doc, lines, has_aliases)
    if ('message' in one) problems.push(one)
    else if (one.value !== null && one.value !== undefined) documents.push(one)
  }
  if (problems.length === 0 && documents.length === 0) problems.push(nothing)
  return { problems, documents }
}
