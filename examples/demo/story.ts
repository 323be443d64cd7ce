/** What the demo prints: steps, facts, tables, as wide as the terminal or 80 columns in a pipe. */
import stringWidth from 'string-width'
import {
  colorsOf,
  harmless,
  table,
  truncate,
  type Cell,
  type Colors,
  type Column,
} from '../../src/cli/print.ts'

const indent = '   '
/** Longer lines are hard to read. */
const width_max = 92
const width_in_pipes = 80

const wrapped = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  for (const word of harmless(text).split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && stringWidth(line) + 1 + stringWidth(word) <= width) {
      lines[lines.length - 1] = `${line} ${word}`
    } else lines.push(word)
  }
  return lines
}

export interface Story {
  /** A numbered step, and why it is told. */
  readonly step: (title: string, why: string) => void
  /** Something that happened. */
  readonly fact: (text: string) => void
  /** A fact that must hold; false: it does not. */
  readonly check: (holds: boolean, text: string) => void
  readonly text: (text: string) => void
  readonly title: (text: string) => void
  /** Commands, and what they are for. */
  readonly lines: (rows: readonly (readonly [string, string])[]) => void
  readonly table: (columns: readonly Column[], rows: readonly (readonly Cell[])[]) => void
  /** What is waited for now: one line that the next replaces; only on a terminal. */
  readonly progress: (text: string) => void
  readonly colors: Colors
}

export const createStory = (out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Story => {
  const colors = colorsOf(out, env)
  const columns = (): number => (out.isTTY && out.columns > 0 ? out.columns : width_in_pipes)
  const lives = out.isTTY && env['TERM'] !== 'dumb'
  let steps = 0
  const write = (line: string): void => {
    // What stands in this line is the progress of what is now over.
    out.write(`${lives ? '\r\x1b[K' : ''}${line}\n`)
  }
  const marked = (mark: string, text: string, paint = (line: string): string => line): void => {
    const width = Math.min(columns(), width_max) - indent.length - 2
    wrapped(text, width).forEach((line, i) => {
      write(`${indent}${i === 0 ? mark : ' '} ${paint(line)}`)
    })
  }
  const text = (said: string, paint = (line: string): string => line): void => {
    const width = Math.min(columns(), width_max) - indent.length
    for (const line of wrapped(said, width)) write(indent + paint(line))
  }
  return {
    step: (title, why) => {
      steps += 1
      write('')
      write(colors.bold(`${steps}  ${title}`))
      text(why, colors.dim)
    },
    fact: (said) => {
      marked(colors.green('✓'), said)
    },
    check: (holds, said) => {
      if (holds) marked(colors.green('✓'), said)
      else marked(colors.red('✗'), said, colors.red)
    },
    text,
    title: (said) => {
      write('')
      write(colors.bold(said))
    },
    lines: (rows) => {
      const told = rows.filter(([, what]) => what !== '')
      const first = Math.max(...told.map(([command]) => stringWidth(command)))
      for (const [command, what] of rows) {
        write(`${indent}${command.padEnd(first)}  ${colors.dim(what)}`.trimEnd())
      }
    },
    table: (of, rows) => {
      const options = { width: columns(), indent: indent.length, paintTitle: colors.dim }
      for (const line of table(of, rows, options)) write(line)
    },
    progress: (said) => {
      if (!lives) return
      if (said === '') out.write('\r\x1b[K')
      else out.write(`\r\x1b[K${colors.dim(truncate(`${indent}… ${said}`, columns() - 1))}`)
    },
    colors,
  }
}
