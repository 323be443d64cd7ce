/** What is told while a command waits: one live line on a terminal, a line now and then elsewhere. */
import { resourceKey } from '../domain/reference.ts'
import type { Context } from './context.ts'
import type { OpenIntent } from './intents.ts'
import { harmless, truncate } from './print.ts'

export interface Progress {
  readonly show: (done: number, all: number, open: readonly OpenIntent[]) => void
  readonly end: () => void
}

/** Where nobody watches a line move, at most one line in so many milliseconds. */
const line_interval_ms = 3_000
const bar_width = 24
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const in_work = new Set(['applying', 'accepted', 'applied', 'in_doubt'])

/** In words of people: an applied intent is one whose effect is awaited. */
const words = new Map([
  ['accepted', 'accepted'],
  ['applied', 'to be seen'],
  ['in_doubt', 'in doubt'],
  ['awaiting_approval', 'to be approved'],
])

const countsOf = (open: readonly OpenIntent[]): string => {
  const counts = new Map<string, number>()
  for (const { state } of open) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, n]) => `${n} ${words.get(state) ?? state}`).join(', ')
}

const liveProgress = (context: Context): Progress => {
  const { progress } = context
  const { colors } = progress
  let frame = 0
  return {
    show: (done, all, open) => {
      const filled = all === 0 ? bar_width : Math.round((done / all) * bar_width)
      const turn = spinner[frame++ % spinner.length] ?? ''
      const counts = `${done}/${all}  ${countsOf(open)}`
      const names = open.filter(({ state }) => in_work.has(state)).map(resourceKey)
      const bar = progress.width > 60 ? bar_width + 1 : 0
      const room = progress.width - bar - 3
      const text = truncate(`${counts}  ${harmless(names.slice(0, 8).join(', '))}`, room)
      const dimmed = text.slice(0, counts.length) + colors.dim(text.slice(counts.length))
      const drawn =
        bar === 0
          ? ''
          : `${colors.green('━'.repeat(filled))}${colors.dim('━'.repeat(bar_width - filled))} `
      progress.write(`\r\u001b[2K${colors.cyan(turn)} ${drawn}${dimmed}`)
    },
    end: () => {
      progress.write('\r\u001b[2K')
    },
  }
}

const plainProgress = (context: Context): Progress => {
  let last = ''
  let next_ms = 0
  return {
    show: (done, all, open) => {
      const line = `${done}/${all} settled: ${countsOf(open)}`
      if (open.length === 0 || line === last || performance.now() < next_ms) return
      last = line
      next_ms = performance.now() + line_interval_ms
      context.note(line)
    },
    end: () => undefined,
  }
}

export const progressFor = (context: Context): Progress =>
  context.progress.isTty ? liveProgress(context) : plainProgress(context)
