/**
 * JSON whose large whole numbers can still be told exactly. As a number 9007199254740993 is 9007199254740992: as an id,
 * that is another one's, and the next call would change or delete it.
 */
import type { Json } from '../domain/json.ts'

/** How the numbers stand in the text that are not what they are as numbers, by who holds them. */
const exact = new WeakMap<object, Map<string, string>>()

const long_number = /\d{16}/

/** Called by JSON.parse for each value: told of the text since ECMAScript 2025, which its types do not know yet. */
function noteExact(
  this: object,
  key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  const source = context?.source
  if (typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source)) {
    if (!Number.isSafeInteger(value)) {
      const known = exact.get(this) ?? new Map<string, string>()
      exact.set(this, known.set(key, source))
    }
  }
  return value
}

/** Null: it is no JSON. */
export const parseJson = (text: string): { readonly json: Json } | null => {
  try {
    const json = (long_number.test(text) ? JSON.parse(text, noteExact) : JSON.parse(text)) as Json
    return { json }
  } catch {
    // The parser's own message quotes the text, which may quote a secret.
    return null
  }
}

/** The text of a number that has more digits than a number can hold; undefined: it is what it is. */
export const exactText = (holder: Json | undefined, key: string): string | undefined =>
  typeof holder === 'object' && holder !== null ? exact.get(holder)?.get(key) : undefined
