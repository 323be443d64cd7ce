/**
 * A page of the docs as a test reads it: its fenced blocks in their order, with what HTML comments, which
 * nobody sees who reads the page, say about them.
 *
 *   <!-- test: WORD the rest -->      about the next block, or about the page
 *   <!-- test: now MOMENT -->         a moment that the page names is the one at which the test comes by
 *   <!-- test: setup                  a script that is run here, before what follows
 *   …
 *   -->
 *
 * Words for a block: `skip WHY`; `told-by FILE` (another test holds what it shows); `equals FILE` (it is a part of
 * that file); `file NAME` (it is written into the page's folder); `around` (a TypeScript fragment, and what
 * stands around it in the lines that follow, `//…` being its place); `until PATTERN` (it goes on: what it has
 * shown when the pattern matches is compared, and it ends with the page); `unordered`; `numbers vary`;
 * `fails` (its commands may); `output varies WHY`.
 * Words for the page: `cloud FAULTS`; `embedded`; `needs PROGRAM`; `powerdns ZONE`; `unmigrated`.
 */
import path from 'node:path'

const repository = path.resolve(import.meta.dirname, '../..')

interface Note {
  readonly word: string
  readonly rest: string
  readonly body: string
}

export interface Block {
  readonly type: 'block'
  readonly language: string
  readonly text: string
  /** Of its fence, from 1. */
  readonly line: number
  readonly notes: ReadonlyMap<string, Note>
}

export interface Setup {
  /** `now`: the text is a moment that the page names, which is when the test comes by. */
  readonly type: 'setup' | 'now'
  readonly text: string
  readonly line: number
}

export interface Page {
  /** As in `docs/cli.md`. */
  readonly name: string
  readonly parts: readonly (Block | Setup)[]
  readonly notes: ReadonlyMap<string, Note>
}

const page_words = new Set(['cloud', 'embedded', 'needs', 'powerdns', 'unmigrated'])
const block_words = new Set([
  ...['skip', 'told-by', 'equals', 'file', 'around', 'until', 'unordered', 'numbers', 'fails'],
  'output',
])

const comment = /^<!-- test: (?<word>[\w-]+)(?<rest>[^\n]*?)(?<body>\n[^]*?)?\s*-->/
const fence = /^```(?<language>\w*)\n(?<text>[^]*?)^```$/m

/** The page in the text; throws where a comment says what nobody understands. */
export const parsePage = (name: string, text: string): Page => {
  const parts: (Block | Setup)[] = []
  const of_page = new Map<string, Note>()
  let notes = new Map<string, Note>()
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const line = text.slice(0, at).split('\n').length
    const said = comment.exec(rest)?.groups
    const block = rest.startsWith('```') ? fence.exec(rest)?.groups : undefined
    if (said !== undefined) {
      const { word = '', rest: more = '', body = '' } = said
      const note = { word, rest: more.trim(), body: body.slice(1) }
      if (word === 'setup') parts.push({ type: 'setup', text: note.body, line })
      else if (word === 'now') parts.push({ type: 'now', text: note.rest, line })
      else if (page_words.has(word)) of_page.set(word, note)
      else if (block_words.has(word)) notes.set(word, note)
      else throw new Error(`${name}:${line}: <!-- test: ${word} --> says nothing`)
      at += comment.exec(rest)?.[0].length ?? 1
    } else if (block !== undefined) {
      const { language = '', text: inside = '' } = block
      parts.push({ type: 'block', language, text: inside, line, notes })
      notes = new Map()
      at += fence.exec(rest)?.[0].length ?? 1
    }
    const end = text.indexOf('\n', at)
    at = end < 0 ? text.length : end + 1
  }
  if (notes.size > 0) throw new Error(`${name}: a note at its end is about no block`)
  return { name, parts, notes: of_page }
}

export interface Step {
  readonly command: string
  /** What the page shows of it. */
  readonly shown: readonly string[]
}

/** Quotes that are open at the end, a backslash, or a here-document without its end. */
const isOpen = (command: string): boolean => {
  const here = /<<\s*'?(\w+)'?/.exec(command)?.[1]
  if (here !== undefined) return !new RegExp(`\n${here}$`).test(command)
  if (command.endsWith('\\')) return true
  let quote = ''
  for (let i = 0; i < command.length; i++) {
    const character = command.charAt(i)
    if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === quote && command[i - 1] !== '\\') quote = ''
  }
  return quote !== ''
}

/** `$ command`, and below it what it printed. */
export const stepsOf = (text: string): readonly Step[] => {
  const steps: { command: string; shown: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (last !== undefined && last.shown.length === 0 && isOpen(last.command)) {
      last.command += `\n${line}`
    } else if (line.startsWith('$ ')) steps.push({ command: line.slice(2), shown: [] })
    else if (last === undefined) throw new Error(`a console block begins with "${line}"`)
    else last.shown.push(line)
  }
  return steps
}

const prompt = /^\w+[=(*!'-]+[#>] ?/

/** `foreword=# statement;`, and below it what psql printed. */
export const psqlStepsOf = (text: string): readonly Step[] => {
  const steps: { command: string; shown: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (!prompt.test(line)) last?.shown.push(line)
    else if (last !== undefined && last.shown.length === 0 && !/;\s*$/.test(last.command)) {
      last.command += `\n${line.replace(prompt, '')}`
    } else steps.push({ command: line.replace(prompt, ''), shown: [] })
  }
  return steps
}

export const isPsql = (text: string): boolean => prompt.test(text)

export { repository }
