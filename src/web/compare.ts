/** Desired, assumed and observed state side by side, path by path, the differing ones marked. */
import { formatPath, type Key } from '../domain/codec/errors.ts'
import { diffPaths, renderDiff } from '../domain/diff.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import { refText } from '../domain/reference.ts'
import { table, value, type Html } from './parts.ts'
import { html } from './text.ts'
import { counted } from './words.ts'

interface States {
  readonly in_sync: boolean
  readonly desired: Json
  readonly assumed: Json
  readonly observed: Json
}

const paths_max = 200

const isListOfObjects = (of: Json): of is readonly Json[] =>
  Array.isArray(of) && of.length > 0 && of.every(isJsonObject)

/** Leaves by their path, in the order in which they stand; an empty object is a leaf. */
const leavesOf = (state: Json): ReadonlyMap<string, Json> => {
  const leaves = new Map<string, Json>()
  const walk = (of: Json, keys: readonly Key[]): void => {
    if (refText(of) !== undefined) leaves.set(formatPath(keys), of)
    else if (isJsonObject(of) && (Object.keys(of).length > 0 || keys.length === 0)) {
      for (const [key, member] of Object.entries(of)) walk(member, [...keys, key])
    } else if (isListOfObjects(of))
      of.forEach((member, i) => {
        walk(member, [...keys, i])
      })
    else leaves.set(formatPath(keys), of)
  }
  if (state !== null) walk(state, [])
  return leaves
}

/** `a` stands at `path`, or above or below it. */
const touches = (a: string, path: string): boolean => {
  if (a === path || a === '') return true
  const [short, long] = a.length < path.length ? [a, path] : [path, a]
  return long.startsWith(short) && ['.', '['].includes(long.charAt(short.length))
}

/**
 * Where wanted and assumed differ, and where what is seen differs from what is assumed: an API may show more,
 * and what is seen in the place of a reference is for `foreword.drift` to judge.
 */
const differing = (
  { desired, assumed, observed }: States,
  drifted: readonly string[],
  looked: boolean,
): readonly string[] => {
  const references = [...leavesOf(assumed)].filter(([, leaf]) => refText(leaf) !== undefined)
  const seen = assumed === null || observed === null ? [] : diffPaths(assumed, observed)
  return [
    ...(desired === null ? [] : renderDiff(assumed, desired).map((change) => change.path)),
    ...seen.map((d) => d.path).filter((path) => !references.some(([at]) => touches(at, path))),
    ...drifted,
    // The whole of it.
    ...(looked && assumed !== null && observed === null ? [''] : []),
  ]
}

interface Line {
  readonly path: string
  readonly cells: readonly (Json | undefined)[]
  readonly differs: boolean
}

const linesOf = (states: States, drifted: readonly string[], looked: boolean): readonly Line[] => {
  const columns = [states.desired, states.assumed, states.observed].map(leavesOf)
  // What its owner has asked to be ignored differs, and is in sync.
  const marked = states.in_sync ? [] : differing(states, drifted, looked)
  const paths = new Set(columns.flatMap((leaves) => [...leaves.keys()]))
  return [...paths].map((path) => ({
    path,
    cells: columns.map((leaves) => leaves.get(path)),
    differs: marked.some((at) => touches(at, path)),
  }))
}

const cellOf = (line: Line, column: number): Html => {
  const cell = line.cells[column]
  return cell === undefined
    ? html`<span class="soft" aria-label="nothing">–</span>`
    : value(cell, 'null')
}

/** Which of the three is missing as a whole, in words. */
const missing = ({ desired, assumed, observed }: States, looked: boolean): readonly string[] => [
  ...(desired === null ? ['nobody asks for it (or it was asked to be gone)'] : []),
  ...(assumed === null ? ['it is assumed to be absent'] : []),
  ...(observed === null ? [looked ? 'it was seen absent' : 'it was never looked at'] : []),
]

/** `drifted`: paths at which it is known to differ. */
export const compare = (states: States, drifted: readonly string[], looked: boolean): Html => {
  const lines = linesOf(states, drifted, looked)
  const differ = lines.filter((line) => line.differs).length
  const gone = missing(states, looked).join('; ')
  const says =
    lines.length === 0 || differ === 0
      ? 'No path differs.'
      : `${counted(differ, 'path')} ${differ === 1 ? 'differs' : 'differ'}, marked with ≠.`
  const left = lines.length - paths_max
  return html`<section id="states" class="panel">
    <h2>Desired, assumed, observed</h2>
    <p class="empty">
      ${says}${gone === '' ? '' : html` ${gone.charAt(0).toUpperCase()}${gone.slice(1)}.`}
    </p>
    ${
      lines.length === 0
        ? ''
        : table(
            'Desired, assumed, observed',
            [
              {
                head: 'Path',
                cell: (line) =>
                  html`${line.differs ? html`<b class="differs" title="differs">≠</b> ` : ''}<code
                      class="json"
                      >${line.path === '' ? '(all)' : line.path}</code
                    >`,
              },
              { head: 'Desired', cell: (line) => cellOf(line, 0) },
              { head: 'Assumed', cell: (line) => cellOf(line, 1) },
              { head: 'Observed', cell: (line) => cellOf(line, 2) },
            ],
            lines.slice(0, paths_max),
            (line) => (line.differs ? 'marked' : ''),
          )
    }
    ${left > 0 ? html`<p class="empty">… and ${counted(left, 'more path')}.</p>` : ''}
  </section>`
}
