/** `foreword plan`: the decision that `apply` would make, read only. */
import { resourceKey } from '../domain/reference.ts'
import { changeLines, countsOf } from './change-lines.ts'
import type { Context } from './context.ts'
import { pausedBy, readPauses, resumeCommand } from './pauses.ts'
import { harmless, plural } from './print.ts'
import { configOf } from './session.ts'
import { planStack, readWanted, type StackPlan } from './wanting.ts'

export interface PlanOptions {
  readonly file: readonly string[]
  readonly prune?: boolean
  readonly detailedExitcode?: boolean
}

const tell = (context: Context, plans: readonly StackPlan[]): void => {
  const { colors, width, out } = context
  for (const plan of plans.filter(({ changes }) => changes.length > 0)) {
    const owner = plan.stack === 'default' ? '' : colors.dim(` (stack ${harmless(plan.stack)})`)
    out(colors.bold(harmless(plan.scope)) + owner)
    for (const change of plan.changes) {
      for (const line of changeLines(change, plan, colors, width)) out(line)
    }
    out()
  }
  const changes = plans.flatMap((plan) => plan.changes)
  const unchanged = plans.reduce((sum, plan) => sum + plan.unchanged, 0)
  const still = unchanged === 0 ? '' : ` ${plural(unchanged, 'resource')} as wanted.`
  out(
    changes.length === 0
      ? `${colors.bold('No changes.')}${still}`
      : `${colors.bold('Plan:')} ${countsOf(changes, unchanged)}.`,
  )
}

/** What the files leave open, told on the side. */
export const tellNotes = (context: Context, plans: readonly StackPlan[], prune: boolean): void => {
  for (const { stack, left_out, taken_over } of plans) {
    const one = harmless(resourceKey(left_out[0] ?? { kind: '', name: '' }))
    if (!prune && left_out.length > 0) {
      const others =
        left_out.length === 1 ? one : `${left_out.length} resources, ${one} among them,`
      context.note(
        `${others} of stack ${harmless(stack)} not in the files: stays; --prune would delete`,
      )
    }
    for (const key of taken_over.slice(0, 5)) {
      context.note(`${harmless(key)} is wanted by another stack: it moves to ${harmless(stack)}`)
    }
  }
}

const jsonOf = (plans: readonly StackPlan[]): unknown => {
  const changes = plans.flatMap(({ scope, stack, changes }) =>
    changes.map((change) => ({ scope, stack, ...change })),
  )
  const count = (verb: string): number => changes.filter((c) => c.verb === verb).length
  return {
    changes,
    create: count('create'),
    update: count('update'),
    delete: count('delete'),
    unchanged: plans.reduce((sum, { unchanged }) => sum + unchanged, 0),
  }
}

export const plan =
  (options: PlanOptions) =>
  async (context: Context): Promise<number> => {
    const prune = options.prune === true
    const reading = await readWanted(context, await configOf(context), options.file)
    if (reading === null) return 1
    const plans: StackPlan[] = []
    for (const wanted of reading.wanted) {
      plans.push(await planStack(reading.session.engine, wanted, prune))
    }
    tellNotes(context, plans, prune)
    const changing = plans.filter(({ changes }) => changes.length > 0).map(({ scope }) => scope)
    for (const pause of await readPauses(reading.session.engine.sql)) {
      if (!changing.includes(pause.scope)) continue
      context.note(`${pausedBy(pause)}: \`apply\` is refused until ${resumeCommand(pause.scope)}`)
    }
    if (context.options.json === true) context.json(jsonOf(plans))
    else tell(context, plans)
    const changed = plans.some(({ changes }) => changes.length > 0)
    return changed && options.detailedExitcode === true ? 2 : 0
  }
