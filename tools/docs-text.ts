/** What the makers of the reference's pages share. */

export interface Reference {
  readonly text: string
  /** Places of public things without a comment. */
  readonly unsaid: readonly string[]
}

/** In a cell of a table. */
export const cell = (text: string): string =>
  text
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .replace(/</g, '&lt;')
    .trim()

/** The same as code, where a bar need not be an end. */
export const codeCell = (text: string): string =>
  text === '' ? '' : `\`${text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim()}\``
