/** What people read: lines and tables that fit their terminal, and nothing in them that it would obey. */
import picocolors from 'picocolors'
import stringWidth from 'string-width'
import type { Json } from '../domain/json.ts'

type Painter = (text: string) => string
export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'
export type Colors = Readonly<Record<Paint, Painter>>

/** Whether a stream is painted: https://no-color.org, no colours into files and pipes, FORCE_COLOR wins. */
const isPainted = (stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean => {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = env
  if (NO_COLOR !== '') return false
  return (FORCE_COLOR !== '' && FORCE_COLOR !== '0') || (stream.isTTY && TERM !== 'dumb')
}

export const colorsOf = (stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Colors =>
  picocolors.createColors(isPainted(stream, env))

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

const short_escapes = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/**
 * A name or message from outside on one line: control characters, and marks that turn the direction of
 * writing, as escapes that can be read and that no terminal obeys.
 */
export const harmless = (text: string): string =>
  text
    .toWellFormed()
    .replace(
      /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu,
      (character) => short_escapes.get(character) ?? escaped(character),
    )

/** A value as one line of JSON with room to break it, harmless. */
export const inline = (value: Json): string =>
  harmless(JSON.stringify(value, null, 1).replace(/\n\s*/g, ' '))

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** As much of the beginning as fits; what is far longer than any terminal is not measured whole. */
const fitting = (text: string, width: number): string => {
  const head = text.length > measured_max ? text.slice(0, measured_max).toWellFormed() : text
  if (stringWidth(head) <= width) return head
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(head)) {
    used += stringWidth(segment)
    if (used > width) break
    kept += segment
  }
  return kept
}
const measured_max = 4_000

/** At most so many columns wide, with an ellipsis for what was left out. */
export const truncate = (text: string, width: number): string => {
  const whole = fitting(text, width)
  if (whole.length === text.length) return whole
  return width < 1 ? '' : `${fitting(text, width - 1)}…`
}

/** Lines of at most so many columns, broken at spaces where there are any; what is left over is cut. */
export const wrapped = (text: string, width: number, lines_max: number): readonly string[] => {
  const lines: string[] = []
  let rest = text
  while (lines.length < lines_max - 1) {
    const head = fitting(rest, width)
    if (head.length === rest.length) break
    const space = rest[head.length] === ' ' ? head.length : head.lastIndexOf(' ')
    const line = space > width / 2 ? head.slice(0, space) : head
    lines.push(line)
    rest = rest.slice(line.length).trimStart()
  }
  return [...lines, truncate(rest, width)]
}

const padded = (text: string, width: number, align: 'left' | 'right'): string => {
  const gap = ' '.repeat(Math.max(0, width - stringWidth(text)))
  return align === 'left' ? text + gap : gap + text
}

/** Text as it came from outside, and how to paint it. */
export type Cell = string | { readonly text: string; readonly paint: Painter }

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut, but not below this width. Absent: never cut. */
  readonly min?: number
  /** May be left out where it is too narrow; the highest goes first. */
  readonly spare?: number
  /** Left out altogether. */
  readonly hidden?: boolean
}

export interface TableOptions {
  /** Columns of the terminal; Infinity for files and pipes. */
  readonly width: number
  readonly indent?: number
  readonly paintTitle?: Painter
}

const gap_width = 2
const textOf = (cell: Cell | undefined): string =>
  harmless(typeof cell === 'string' ? cell : (cell?.text ?? ''))

const total = (widths: readonly number[], indent: number): number =>
  widths.reduce((sum, w) => sum + w, 0) + gap_width * Math.max(0, widths.length - 1) + indent

/** Takes from the widest that may be cut, until it fits or nothing may be cut further. */
const shrunk = (
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
  indent: number,
): readonly number[] => {
  const widths = [...natural]
  for (let over = total(widths, indent) - room; over > 0; over--) {
    let widest = -1
    columns.forEach(({ min }, i) => {
      const spareable = min !== undefined && (widths[i] ?? 0) > min
      if (spareable && (widths[i] ?? 0) > (widths[widest] ?? 0)) widest = i
    })
    if (widest < 0) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** A table's rows, all of one layout, also those that come later. */
export interface Layout {
  readonly title: () => string
  readonly row: (cells: readonly Cell[]) => string
}

/** Chooses columns and widths for a sample of rows. */
export const layoutFor = (
  columns: readonly Column[],
  sample: readonly (readonly Cell[])[],
  options: TableOptions,
): Layout => {
  const { width: room, indent = 0, paintTitle = (text: string) => text } = options
  const natural = columns.map((column, i) =>
    Math.max(stringWidth(column.title), ...sample.map((row) => stringWidth(textOf(row[i])))),
  )
  const least = natural.map((w, i) => Math.min(w, columns[i]?.min ?? w))
  let shown = columns.flatMap(({ hidden }, i) => (hidden === true ? [] : [i]))
  const need = (): number =>
    total(
      shown.map((i) => least[i] ?? 0),
      indent,
    )
  while (need() > room) {
    const spares = shown.filter((i) => columns[i]?.spare !== undefined)
    const first = spares.sort((a, b) => (columns[b]?.spare ?? 0) - (columns[a]?.spare ?? 0))[0]
    if (first === undefined) break
    shown = shown.filter((i) => i !== first)
  }
  const widths = shrunk(
    shown.map((i) => columns[i] ?? { title: '' }),
    shown.map((i) => natural[i] ?? 0),
    room,
    indent,
  )
  const line = (cells: readonly Cell[]): string => {
    const parts = shown.map((i, at) => {
      const cell = cells[i] ?? ''
      const last = at === shown.length - 1
      const wide = Number.isFinite(room) ? (widths[at] ?? 0) : Infinity
      const text = truncate(textOf(cell), wide)
      const align = columns[i]?.align ?? 'left'
      const filled = last && align === 'left' ? text : padded(text, widths[at] ?? 0, align)
      return typeof cell === 'string' ? filled : cell.paint(filled)
    })
    return `${' '.repeat(indent)}${parts.join(' '.repeat(gap_width))}`.trimEnd()
  }
  return {
    title: () => line(columns.map(({ title }) => ({ text: title, paint: paintTitle }))),
    row: line,
  }
}

/** A whole table, its title line first. */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): readonly string[] => {
  const layout = layoutFor(columns, rows, options)
  return [layout.title(), ...rows.map(layout.row)]
}

/** A fact's name, and what is to be said of it. */
export type Fact = readonly [name: string, text: string]

const fact_indent = 4
const fact_name_width = 11
const fact_lines_max = 3

/** Facts below a headline, their names in a column, long ones on several lines. */
export const factLines = (
  facts: readonly Fact[],
  { colors, width }: { readonly colors: Colors; readonly width: number },
): readonly string[] =>
  facts.flatMap(([name, text]) =>
    wrapped(text, width - fact_indent - fact_name_width - 1, fact_lines_max).map((line, i) => {
      const title = (i === 0 ? name : '').padEnd(fact_name_width)
      return `${' '.repeat(fact_indent)}${colors.dim(title)} ${line}`
    }),
  )

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1_000))

/** `450 ms`, `12 s`, `3 min`, `5 h`, `2 d`: the largest unit says enough. */
export const span = (ms: number): string => {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const s = seconds(ms)
  if (s < 120) return `${s} s`
  if (s < 7_200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`
}

/** `21 MB`, `1.4 GB`. */
export const sizeOf = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`

/** `2026-11-22 14:05:03`, UTC as everything that foreword tells. */
export const moment = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ')

/** `14:05:03` of today, `11-22 14:05` of other days: what a narrow terminal has room for. */
export const shortMoment = (at: Date, now: Date): string => {
  const whole = moment(at)
  return whole.slice(0, 10) === moment(now).slice(0, 10) ? whole.slice(11) : whole.slice(5, 16)
}

/** `14:05:03.120`. */
export const clock = (at: Date): string => at.toISOString().slice(11, 23)
