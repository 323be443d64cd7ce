/** What wanting a stack would change, and why it must not be wanted: what `plan` and `apply` share. */
import * as E from 'fp-ts/lib/Either.js'
import { ForewordError } from '../domain/errors.ts'
import { topologicalOrder } from '../domain/graph.ts'
import type { DesiredRow, Held } from '../domain/reconcile-ports.ts'
import { needsOf, resourceKey } from '../domain/reference.ts'
import type { Engine } from '../foreword.ts'
import type { Found } from '../reconcile/adopt.ts'
import type { Row } from '../reconcile/others.ts'
import { planConverge, type PlannedChange } from '../reconcile/plan-converge.ts'
import { dueRenames, type DueRenaming, type Renaming } from '../reconcile/rename.ts'
import { harmless } from './print.ts'
import type { WantedStack } from './wanting.ts'

export interface StackPlan {
  readonly scope: string
  readonly stack: string
  readonly changes: readonly PlannedChange[]
  /** What is there already and would be known from then on. */
  readonly adopted: readonly Found[]
  /** What would have its new name before anything else is decided. */
  readonly renamed: readonly DueRenaming[]
  readonly unchanged: number
  /** All that was judged. */
  readonly considered: readonly { readonly kind: string; readonly name: string }[]
  /** By KIND/NAME: the generation of what is wanted of it so far. */
  readonly generations: ReadonlyMap<string, number>
  /** By KIND/NAME: what is assumed. */
  readonly before: ReadonlyMap<string, Held>
  readonly meta: ReadonlyMap<string, Pick<Held, 'labels' | 'counters'>>
  /** Rows of the stack that the files do not name. */
  readonly left_out: readonly DesiredRow[]
  /** Rows of the stack that are wanted no more already: what becomes of them may be under way. */
  readonly going: readonly DesiredRow[]
  /** `KIND/NAME` of what another stack wants so far. */
  readonly taken_over: readonly string[]
}

const oldKey = ({ kind, from }: Renaming): string => resourceKey({ kind, name: from })

/** Whoever still goes by the old name would find nothing there, and make it anew. */
const refuseToRenameNeeded = (
  wanted: WantedStack,
  renamed: readonly Renaming[],
  staying: readonly WantedRow[],
): void => {
  const by_old = new Map(renamed.map((one) => [oldKey(one), one]))
  if (by_old.size === 0) return
  for (const row of [...wanted.rows, ...staying]) {
    const lost = by_old.get(needsOf(row).find((need) => by_old.has(need)) ?? '')
    if (lost === undefined) continue
    throw new ForewordError(
      harmless(`${oldKey(lost)} cannot be renamed to ${lost.to}: it is needed under its old name`),
      {
        where: harmless(`by ${resourceKey(row)} of stack ${row.stack} in ${wanted.scope}`),
        remedy: 'let that name the new one, in the same apply',
      },
    )
  }
}

/** What shall stay must not lose what it needs. */
const refuseToPruneNeeded = (
  wanted: WantedStack,
  staying: readonly WantedRow[],
  pruned: readonly DesiredRow[],
): void => {
  const going = new Set(pruned.map(resourceKey))
  for (const row of [...wanted.rows, ...staying]) {
    const lost = needsOf(row).find((need) => going.has(need))
    if (lost === undefined) continue
    throw new ForewordError(harmless(`--prune would delete ${lost}, which is needed`), {
      where: harmless(`by ${resourceKey(row)} of stack ${row.stack} in ${row.scope}`),
      remedy: `keep ${harmless(lost)} in the files, or take the need away`,
    })
  }
}

/** A circle that closes over several stacks: each of them could be decided, and never all of them together. */
const refuseCircles = (
  wanted: WantedStack,
  items: readonly Pick<WantedRow, 'kind' | 'name' | 'needs' | 'spec'>[],
): void => {
  const order = topologicalOrder(
    items.map((item) => ({ id: resourceKey(item), needs: needsOf(item) })),
  )
  if (E.isRight(order)) return
  const mine = new Set(wanted.rows.map(resourceKey))
  const circle = order.left
  if (!circle.some((key) => mine.has(key))) return
  throw new ForewordError(
    harmless(`resources need each other in a cycle: ${[...circle, circle[0]].join(' -> ')}`),
    {
      where: harmless(
        `stack ${wanted.stack} in ${wanted.scope}, with what is wanted there already`,
      ),
      remedy: 'take one of these needs or references out',
    },
  )
}

/** Two stacks that want one resource would each undo what the other does; a rename takes what it renames. */
const refuseToTakeOver = (
  wanted: WantedStack,
  desired: readonly DesiredRow[],
  renamed: readonly Renaming[],
): void => {
  const named = new Set([...wanted.rows.map(resourceKey), ...renamed.map(oldKey)])
  const others = desired.filter(
    (row) => row.stack !== wanted.stack && row.spec !== null && named.has(resourceKey(row)),
  )
  const [first] = others
  if (first === undefined) return
  const more = others.length === 1 ? '' : `, and ${others.length - 1} more of other stacks`
  throw new ForewordError(
    harmless(`${resourceKey(first)} is wanted by stack ${first.stack} already${more}`),
    {
      where: harmless(`stack ${wanted.stack} in ${wanted.scope}`),
      remedy: 'take it out there and apply that first, or take it over with --take-over',
    },
  )
}

type WantedRow = WantedStack['rows'][number]

interface How {
  readonly prune: boolean
  readonly take_over: boolean
}

/** What all of these want in a scope. */
export const rowsIn = (scope: string, all: readonly WantedStack[]): readonly WantedRow[] =>
  all.filter((one) => one.scope === scope).flatMap(({ rows }) => rows)

/** What others go on to want in the scope: of stacks in the same files, what these say. */
const stayingBeside = (
  wanted: WantedStack,
  all: readonly WantedStack[],
  desired: readonly DesiredRow[],
  { prune }: How,
): readonly WantedRow[] => {
  const rows = rowsIn(wanted.scope, all)
  const named = new Set(rows.map(resourceKey))
  const here = all.filter((one) => one.scope === wanted.scope)
  const pruned = new Set(prune ? here.map(({ stack }) => stack) : [])
  const left = desired.filter(
    (row) => row.spec !== null && !named.has(resourceKey(row)) && !pruned.has(row.stack),
  )
  return [...rows.filter(({ stack }) => stack !== wanted.stack), ...left]
}

/** All that is wanted in the scope once these files are: what is decided with another stack depends on it. */
const wantedBeside = (
  scope: string,
  all: readonly WantedStack[],
  desired: readonly DesiredRow[],
  { prune }: How,
): readonly Row[] => {
  const rows = rowsIn(scope, all)
  const named = new Set(rows.map(resourceKey))
  const stacks = new Set(all.filter((one) => one.scope === scope).map(({ stack }) => stack))
  const rest = desired.filter((row) => !named.has(resourceKey(row)))
  return [
    ...rows,
    ...rest.map((row) =>
      prune && stacks.has(row.stack) ? { ...row, spec: null, needs: needsOf(row) } : row,
    ),
  ]
}

/** Nothing is written: the decision is made in a READ ONLY transaction. `all`: the stacks of the same files. */
const planStack = async (
  engine: Engine,
  wanted: WantedStack,
  how: How,
  all: readonly WantedStack[],
): Promise<StackPlan> => {
  const { prune, take_over } = how
  const { scope, stack } = wanted
  const deps = engine.reconcileDeps
  const rows = await deps.store.desired({ scope })
  const here = all.filter((one) => one.scope === scope)
  const due = await dueRenames(
    deps,
    scope,
    here.flatMap((one) => one.renamed),
    rows,
  )
  const old = new Set(due.map(oldKey))
  const mine = new Set(wanted.renamed.map(oldKey))
  const renamed = due.filter((one) => mine.has(oldKey(one)))
  // Wanted under its new name from now on.
  const desired = rows.filter((row) => !old.has(resourceKey(row)))
  const named = new Set(wanted.rows.map(resourceKey))
  const anywhere = new Set(rowsIn(scope, all).map(resourceKey))
  const rest = desired.filter((row) => row.stack === stack && !anywhere.has(resourceKey(row)))
  const left_out = rest.filter((row) => row.spec !== null)
  if (!take_over) refuseToTakeOver(wanted, rows, renamed)
  const staying = stayingBeside(wanted, all, desired, how)
  refuseToRenameNeeded(wanted, renamed, staying)
  if (prune) refuseToPruneNeeded(wanted, staying, left_out)
  const others = rest.map((row) => (prune ? { ...row, spec: null, needs: needsOf(row) } : row))
  const items = [...wanted.rows, ...others]
  const judged = new Set(items.map(resourceKey))
  refuseCircles(wanted, [...items, ...staying.filter((row) => !judged.has(resourceKey(row)))])
  const beside = wantedBeside(scope, all, desired, how)
  const { changes, held, adopted } = await planConverge(deps)(scope, items, beside, due)
  const changed = new Set(changes.map(resourceKey))
  return {
    scope,
    stack,
    changes,
    adopted,
    renamed,
    unchanged: items.filter((item) => item.spec !== null && !changed.has(resourceKey(item))).length,
    considered: [
      ...items.filter((item) => item.spec !== null || changed.has(resourceKey(item))),
      // Of other stacks, what refers to something that is replaced: it is decided with it.
      ...changes.filter((change) => !judged.has(resourceKey(change))),
    ],
    generations: new Map(desired.map((row) => [resourceKey(row), row.generation])),
    before: held,
    meta: new Map(items.map((item) => [resourceKey(item), item])),
    left_out,
    going: rest.filter((row) => row.spec === null),
    taken_over: desired
      .filter((row) => row.stack !== stack && row.spec !== null && named.has(resourceKey(row)))
      .map(resourceKey),
  }
}

export interface PlannedStack {
  readonly wanted: WantedStack
  readonly plan: StackPlan
}

/** Plans of the same files. What is decided with one stack is planned there, and not once more with its own. */
export const planStacks = async (
  engine: Engine,
  all: readonly WantedStack[],
  how: How,
): Promise<readonly PlannedStack[]> => {
  const planned: PlannedStack[] = []
  const decided = new Set<string>()
  for (const wanted of all) {
    const plan = await planStack(engine, wanted, how, all)
    const keyOf = (change: PlannedChange): string => `${plan.scope} ${resourceKey(change)}`
    planned.push({
      wanted,
      plan: { ...plan, changes: plan.changes.filter((change) => !decided.has(keyOf(change))) },
    })
    for (const change of plan.changes) decided.add(keyOf(change))
  }
  return planned
}
