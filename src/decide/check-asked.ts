/** What a decider is called with, and what it asks for, before anything of it travels: all that is wrong is told here, in words. */
import * as E from 'fp-ts/lib/Either.js'
import { compensations, type Compensation } from '../domain/decider.ts'
import { isKind, isName, isText, wrongWithLabels } from '../domain/names.ts'
import type { Invalid } from './changes.ts'
import { isQuery } from './plan.ts'

const invalid = (sqlstate: string, reason: string, remedy: string): Invalid => ({
  sqlstate,
  reason,
  remedy,
})

/** What the log numbers versions of deciders with. */
const version_max = 2 ** 31 - 1

const isVersion = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= version_max

interface Asker {
  readonly name: unknown
  readonly version: unknown
  readonly compensation?: Compensation
  readonly read: unknown
  readonly think?: unknown
  readonly decide: unknown
}

interface Call {
  readonly scope: unknown
  readonly actor?: unknown
  readonly reason?: unknown
}

const names_remedy = '1 to 512 characters, no control characters, a kind no slash'

/** Programs without types call with whatever they have. Null: both are objects, and may be looked at. */
export const wrongWithArguments = (decider: unknown, call: unknown): Invalid | null => {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
  if (!isObject(decider)) {
    const remedy = 'define it by defineDecider({ name, version, read, decide })'
    return invalid('FW029', `decide was given no decider, but ${String(decider)}`, remedy)
  }
  if (isObject(call)) return null
  return invalid('FW025', 'decide was not told where', "decide(decider, { scope: 'acme', input })")
}

/** What is wrong with a decider and how it is called; null: nothing. */
export const wrongWithCall = (decider: Asker, call: Call): Invalid | null => {
  const { version, compensation = 'keep_going', think } = decider
  const name = String(decider.name)
  if (!isName(decider.name)) {
    return invalid(
      'FW029',
      `${JSON.stringify(name.slice(0, 80))} is not a name of a decider`,
      names_remedy,
    )
  }
  if (!isVersion(version)) {
    return invalid('FW029', `decider ${name}: its version is no whole number`, 'count it from 1')
  }
  if (!compensations.includes(compensation)) {
    const remedy = `known: ${compensations.join(', ')}`
    return invalid('FW029', `decider ${name}: unknown compensation ${compensation}`, remedy)
  }
  const odd =
    typeof decider.read !== 'function'
      ? 'read'
      : typeof decider.decide !== 'function'
        ? 'decide'
        : think !== undefined && typeof think !== 'function'
          ? 'think'
          : null
  if (odd !== null) {
    const remedy = 'define it by defineDecider({ name, version, read, decide })'
    return invalid('FW029', `decider ${name}: its ${odd} is no function`, remedy)
  }
  if (!isName(call.scope)) {
    return invalid('FW025', `decider ${name}: its scope is not a name`, names_remedy)
  }
  for (const text of ['actor', 'reason'] as const) {
    if (call[text] === undefined || call[text] === null || isText(call[text])) continue
    const remedy = 'give a text without NUL and without half a character'
    return invalid('FW025', `decider ${name}: its ${text} cannot be kept`, remedy)
  }
  return null
}

const isMissing = (value: unknown): boolean => value === undefined || value === null

/** One of the reads of a decider. Facts may come from a program without types: `undefined` in a label is no question. */
const wrongWithRead = (query: unknown): Invalid | null => {
  const q = query as { readonly [part: string]: unknown }
  const is_named =
    (isMissing(q['scope']) || isName(q['scope'])) &&
    (q['type'] === 'counter' ? isName(q['metric']) : isKind(q['kind'])) &&
    (q['type'] !== 'get' || isName(q['name'])) &&
    (!Array.isArray(q['names']) || q['names'].every(isName))
  if (!is_named) return invalid('FW025', 'asks for what is not a name', names_remedy)
  if (q['type'] === 'get_all' && !Array.isArray(q['names'])) {
    return invalid('FW029', 'q.getAll without a list of names', 'q.getAll(kind, [name, …])')
  }
  if (q['type'] !== 'find') return null
  const odd = wrongWithLabels(q['labels'])
  if (odd !== null) {
    return invalid('FW028', `q.find of ${String(q['kind'])}: ${odd}`, 'labels are texts')
  }
  if (q['max'] === Infinity || (Number.isInteger(q['max']) && Number(q['max']) >= 0)) return null
  const remedy = 'give a whole number, or leave it away'
  return invalid('FW015', `q.find of ${String(q['kind'])}: its max is ${String(q['max'])}`, remedy)
}

/** Whoever returned a promise is told so; what becomes of it is nobody's to handle. */
export const leave = (value: unknown): void => {
  if (value instanceof Promise) value.catch(() => undefined)
}

/** What is wrong with what `read` returned; null: nothing. */
export const wrongWithReads = (decider: string, reads: unknown): Invalid | null => {
  const is_plain =
    typeof reads === 'object' && reads !== null && !('then' in reads) && !(reads instanceof Map)
  if (!is_plain || !Object.values(reads).every(isQuery)) {
    leave(reads)
    return invalid(
      'FW029',
      `read of decider ${decider} returned something else than reads`,
      'return an object of q.get, q.getAll, q.find and q.counter, and no promise',
    )
  }
  for (const [fact, query] of Object.entries(reads)) {
    const wrong = isQuery(query) ? wrongWithRead(query) : null
    if (wrong !== null) {
      return { ...wrong, reason: `read of decider ${decider}: ${fact}: ${wrong.reason}` }
    }
  }
  return null
}

/** Recorded with each decision, and carried by everybody who decides it again. */
const input_bytes_max = 256 * 1024

/** NUL and half a character, as JSON escapes them: a backslash before it is one of its own. */
const unkept = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/**
 * An input that cannot be recorded as it is could be neither decided again nor replayed. Foreword's own deciders
 * are given whole parts of stacks, which they bound themselves.
 */
export const checkInput = (decider: string, input: unknown): E.Either<Invalid, null> => {
  if (decider.startsWith('foreword/') || input === undefined || input === null) return E.right(null)
  const no_json = (why: string): E.Either<Invalid, null> =>
    E.left(
      invalid('FW035', `the input of decider ${decider} is no JSON: ${why}`, 'give plain values'),
    )
  let text: string | undefined
  try {
    text = JSON.stringify(input)
  } catch (error) {
    return no_json(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
  if ((text as string | undefined) === undefined) return no_json(`it is a ${typeof input}`)
  if (unkept.test(text)) return no_json('it holds NUL or half a character')
  if (Buffer.byteLength(text) <= input_bytes_max) return E.right(null)
  return E.left(
    invalid(
      'FW035',
      `the input of decider ${decider} is larger than ${input_bytes_max} bytes`,
      'keep the bulk elsewhere and refer to it',
    ),
  )
}
