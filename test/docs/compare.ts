/**
 * Whether an output looks like the one that a page shows: what differs from run to run by itself (times, spans, ids,
 * ports, people, layout) is masked in both; `…` stands for any text, and on a line of its own for any lines.
 */

import { stripVTControlCharacters } from 'node:util'

const masks: readonly (readonly [RegExp, string])[] = [
  [/\s+/g, ' '],
  [/postgres(ql)?:\/\/\S*?(?=[,\s]|$)/g, 'URL'],
  [/(?:https?:\/\/)?(?:127\.0\.0\.1|localhost):\d+/g, 'HOST'],
  [/\?token=[\w-]+/g, '?token=TOKEN'],
  [/\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?\b)?( UTC)?/g, 'TIME'],
  [/\b\d\d:\d\d:\d\d(\.\d+)?( UTC)?/g, 'TIME'],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\bfw-[0-9a-f]{32}(-\d+)?/g, 'KEY'],
  [/\b(vm|ip|net|dns|rec|c)-?[0-9a-f]{16}\b/g, 'ID'],
  [/\b\d+(\.\d+)? (ms|s|min|h|d|MB|GB|kB)\b/g, 'SPAN'],
  [/\b[\w.-]+@[\w.-]+\b/g, 'PERSON'],
  [/\b(pids?) \d+( and \d+)*/g, '$1 PID'],
  [/\b\d+ [\w.-]+ \d+ (?=\d+\.\d+\.\d+ SPAN)/g, 'WORKER '],
  [/-{3,}/g, '---'],
]

/** What a wait says while it waits, as much of it as there was time for; what is so of the tests' server only. */
const aside = /^\d+\/\d+ settled|^foreword: warning: (fsync|full_page_writes) is off/

const masked = (line: string): string =>
  masks
    .reduce((text, [pattern, by]) => text.replace(pattern, by), stripVTControlCharacters(line))
    .trim()

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

export interface Leniency {
  readonly unordered: boolean
  readonly numbers_vary: boolean
}

const linesOf = (lines: readonly string[], { numbers_vary }: Leniency): readonly string[] =>
  lines
    .map(masked)
    .map((line) => (numbers_vary ? line.replace(/\d+(\.\d+)?/g, 'N') : line))
    .filter((line) => line !== '' && !aside.test(line))

const patternOf = (line: string): RegExp =>
  new RegExp(`^${line.split('…').map(escaped).join('.*?')}$`)

/** The first shown line that the output has not; undefined: it looks like it. */
const inOrder = (shown: readonly string[], lines: readonly string[]): string | undefined => {
  let at = 0
  let gap = false
  for (const line of shown) {
    if (line === '…') {
      gap = true
      continue
    }
    const pattern = patternOf(line)
    while (gap && at < lines.length && !pattern.test(lines[at] ?? '')) at++
    if (!pattern.test(lines[at] ?? '')) return `shown: ${line}\n  is: ${lines[at] ?? '(no line)'}`
    gap = false
    at++
  }
  return gap || at === lines.length ? undefined : `not shown: ${lines[at] ?? ''}`
}

const inAnyOrder = (shown: readonly string[], lines: readonly string[]): string | undefined => {
  const left = [...lines]
  // What is told wholly takes its line first, so that a wildcard does not.
  const wanted = shown
    .filter((line) => line !== '…')
    .sort((a, b) => Number(a.includes('…')) - Number(b.includes('…')))
  for (const line of wanted) {
    const pattern = patternOf(line)
    const found = left.findIndex((other) => pattern.test(other))
    if (found < 0) return `shown: ${line}\n  is: (no such line)`
    left.splice(found, 1)
  }
  return left.length === 0 || shown.includes('…') ? undefined : `not shown: ${left[0] ?? ''}`
}

/** What differs, for a person; undefined: nothing that matters. */
export const difference = (
  shown: readonly string[],
  output: string,
  leniency: Leniency,
): string | undefined => {
  const [a, b] = [linesOf(shown, leniency), linesOf(output.split('\n'), leniency)]
  return leniency.unordered ? inAnyOrder(a, b) : inOrder(a, b)
}
