/** Changes as people read them: `+ create`, `~ update` with each path, `- delete`. */
import { renderDiff, type Change } from '../domain/diff.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import { refText, resourceKey } from '../domain/reference.ts'
import type { PlannedChange } from '../reconcile/plan-converge.ts'
import type { Colors, Paint } from './print.ts'
import { harmless, truncate } from './print.ts'
import type { StackPlan } from './plan-stack.ts'

interface Sign {
  readonly sign: string
  readonly paint: Paint
}

const signs = new Map<string, Sign>([
  ['create', { sign: '+', paint: 'green' }],
  ['update', { sign: '~', paint: 'yellow' }],
  ['replace', { sign: '±', paint: 'magenta' }],
  ['delete', { sign: '-', paint: 'red' }],
])

export const signOf = (verb: string): Sign => signs.get(verb) ?? { sign: '!', paint: 'cyan' }

/** One line for a change: `  + create dns_record/www.example.org./A`. */
export const changeLine = (
  change: { readonly verb: string; readonly kind: string; readonly name: string },
  colors: Colors,
  width: number,
): string => {
  const { sign, paint } = signOf(change.verb)
  const name = truncate(harmless(resourceKey(change)), width - 5 - change.verb.length)
  return `  ${colors[paint](`${sign} ${harmless(change.verb)}`)} ${name}`
}

/** JSON, but for references, which are told as what they refer to. */
const shown = (value: Json | undefined): string => {
  if (value === undefined) return 'nothing'
  const ref = refText(value)
  return harmless(ref === undefined ? JSON.stringify(value) : `<${ref}>`)
}

const pathsOf = (change: PlannedChange, plan: StackPlan): readonly Change[] => {
  const key = resourceKey(change)
  if (change.verb === 'create') {
    return isJsonObject(change.after)
      ? Object.entries(change.after).map(([path, after]) => ({ path, after }))
      : [{ path: '', after: change.after }]
  }
  if (change.verb === 'delete') return []
  const around = (of: StackPlan['meta'] | StackPlan['before']): Json => {
    const { labels = {}, counters = {} } = of.get(key) ?? {}
    return { labels, counters }
  }
  // Of other stacks, what is decided with ours keeps them.
  if (!plan.meta.has(key)) return change.paths
  return [...change.paths, ...renderDiff(around(plan.before), around(plan.meta))]
}

/** A path below its change; what is created has no before. */
export const pathLine = (verb: string, change: Change, colors: Colors, width: number): string => {
  const path = harmless(change.path === '' ? 'all of it' : change.path)
  const value =
    verb === 'create' ? shown(change.after) : `${shown(change.before)} → ${shown(change.after)}`
  return `      ${colors.dim(`${path}:`)} ${truncate(value, width - 8 - path.length)}`
}

/** Why it is more than an update, and in which order. */
const reasonLine = (change: PlannedChange, colors: Colors, width: number): readonly string[] => {
  if (change.because === undefined) return []
  const because = `because of ${harmless(change.because)}`
  const order =
    change.create_first === undefined
      ? ': the old one is deleted first'
      : `: the new one is made first, the old one goes on as ${harmless(change.create_first.deposed)} until then`
  const text = change.verb === 'replace' ? `${because}${order}` : because
  return [`      ${colors.dim(truncate(text, width - 6))}`]
}

/** A change with its paths below it. */
export const changeLines = (
  change: PlannedChange,
  plan: StackPlan,
  colors: Colors,
  width: number,
): readonly string[] => [
  changeLine(change, colors, width),
  ...(change.waits === undefined
    ? []
    : [
        `      ${colors.yellow(truncate(`awaits approval: ${harmless(change.waits)}`, width - 6))}`,
      ]),
  ...reasonLine(change, colors, width),
  ...pathsOf(change, plan).map((path) => pathLine(change.verb, path, colors, width)),
]

/** `1 to create, 2 to update, 0 to delete; 198 unchanged`. */
export const countsOf = (
  changes: readonly { readonly verb: string }[],
  unchanged: number,
): string => {
  const count = (verb: string): number => changes.filter((c) => c.verb === verb).length
  const replaced = count('replace') === 0 ? [] : ['replace']
  const verbs = ['create', 'update', ...replaced, 'delete']
  const known = verbs.map((verb) => `${count(verb)} to ${verb}`)
  const others = changes.filter(({ verb }) => !signs.has(verb)).length
  return `${known.join(', ')}${others === 0 ? '' : `, ${others} other`}; ${unchanged} unchanged`
}
