/** How text from outside becomes HTML: always escaped, and with nothing in it that cannot be seen. */
import { html as tag } from 'hono/html'
import type { Json } from '../domain/json.ts'

/** What `html` returns: escaped already. It is awaited once, where the document is sent. */
export type Html = ReturnType<typeof tag>

const shown = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

/**
 * Control characters, and marks that turn the direction of writing or take no room, as escapes that can be
 * read: a browser would leave them out, so that two names look alike, and whoever looks at the page's source
 * in a terminal would have it obey them. Line breaks stay: messages have some.
 */
const visible = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]|[\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, shown)

/** What Postgres can be asked for: it knows no text with a NUL in it. */
export const storable = (text: string): string => text.replaceAll('\0', '\ufffd')

const clean = (value: unknown): unknown => {
  if (typeof value === 'string') return visible(value)
  return Array.isArray(value) ? value.map(clean) : value
}

/** Every text that is put in is made visible, then escaped; only what `html` or `raw` returned stays as it is. */
export const html = (strings: TemplateStringsArray, ...values: readonly unknown[]): Html =>
  tag(strings, ...values.map(clean))

/** A value as JSON; of one line while it is short. */
export const jsonText = (value: Json): string => {
  const line = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')
  return line.length <= 80 ? line : JSON.stringify(value, null, 2)
}
