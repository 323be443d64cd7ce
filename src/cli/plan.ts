/** `foreword plan`: the decision that `apply` would make, read only. */
import { resolve } from 'node:path'
import { resourceKey } from '../domain/reference.ts'
import { readSeals } from '../store/plan-store.ts'
import { actorOf } from './actor.ts'
import { changeLines, countsOf } from './change-lines.ts'
import type { Context } from './context.ts'
import { pausedBy, readPauses, resumeCommand } from './pauses.ts'
import { harmless, plural } from './print.ts'
import { configOf } from './session.ts'
import { writePlan } from './saved-plan.ts'
import { planStacks, type StackPlan } from './plan-stack.ts'
import { readWanted } from './wanting.ts'

export interface PlanOptions {
  readonly file: readonly string[]
  readonly prune?: boolean
  readonly detailedExitcode?: boolean
  readonly takeOver?: boolean
  /** A file for the plan, which `apply --plan` takes. */
  readonly out?: string
}

/** What has another name from then on, and what is known from then on. */
export const namedLines = (
  { renamed, adopted }: StackPlan,
  colors: Context['colors'],
): readonly string[] => [
  ...renamed.map(({ kind, from, to }) => {
    const old = harmless(resourceKey({ kind, name: from }))
    return `  ${colors.cyan('→ rename')} ${old} to ${harmless(to)}`
  }),
  ...adopted.map(({ kind, name, sighting }) => {
    const id = sighting.external_id === undefined ? '' : ` (${harmless(sighting.external_id)})`
    return `  ${colors.cyan('← adopt')} ${harmless(resourceKey({ kind, name }))}${colors.dim(id)}`
  }),
]

const hasSomething = ({ changes, adopted, renamed }: StackPlan): boolean =>
  changes.length + adopted.length + renamed.length > 0

const tell = (context: Context, plans: readonly StackPlan[]): void => {
  const { colors, width, out } = context
  for (const plan of plans.filter(hasSomething)) {
    const owner = plan.stack === 'default' ? '' : colors.dim(` (stack ${harmless(plan.stack)})`)
    out(colors.bold(harmless(plan.scope)) + owner)
    for (const line of namedLines(plan, colors)) out(line)
    for (const change of plan.changes) {
      for (const line of changeLines(change, plan, colors, width)) out(line)
    }
    out()
  }
  const changes = plans.flatMap((plan) => plan.changes)
  const unchanged = plans.reduce((sum, plan) => sum + plan.unchanged, 0)
  const adopted = plans.reduce((sum, plan) => sum + plan.adopted.length, 0)
  const names = plans.reduce((sum, plan) => sum + plan.renamed.length, 0)
  const called = names === 0 ? '' : ` ${plural(names, 'resource')} to rename.`
  const taken = adopted === 0 ? '' : ` ${plural(adopted, 'resource')} to adopt.`
  const still = unchanged === 0 ? '' : ` ${plural(unchanged, 'resource')} as wanted.`
  out(
    changes.length === 0
      ? `${colors.bold('No changes.')}${called}${taken}${still}`
      : `${colors.bold('Plan:')} ${countsOf(changes, unchanged)}.${called}${taken}`,
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
      context.note(`${harmless(key)} is taken over by stack ${harmless(stack)}`)
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
    renamed: plans.flatMap(({ scope, renamed }) =>
      renamed.map(({ kind, from, to }) => ({ scope, kind, from, to })),
    ),
    adopted: plans.flatMap(({ adopted }) =>
      adopted.map(({ scope, kind, name, sighting }) => ({
        scope,
        kind,
        name,
        external_id: sighting.external_id ?? null,
        state: sighting.state,
      })),
    ),
    create: count('create'),
    update: count('update'),
    replace: count('replace'),
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
    const how = { prune, take_over: options.takeOver === true }
    const { engine } = reading.session
    const planned = await planStacks(engine, reading.wanted, how)
    const plans = planned.map(({ plan }) => plan)
    tellNotes(context, plans, prune)
    if (options.out !== undefined) {
      const made_by = actorOf(context.env)
      const about = { made_by, files: options.file, ...how, planned }
      await writePlan(resolve(context.cwd, options.out), about, await readSeals(engine.sql))
      context.note(
        `written to ${harmless(options.out)}: foreword apply --plan ${harmless(options.out)}`,
      )
    }
    const changing = plans.filter(hasSomething).map(({ scope }) => scope)
    for (const pause of await readPauses(engine.sql)) {
      if (!changing.includes(pause.scope)) continue
      context.note(`${pausedBy(pause)}: \`apply\` is refused until ${resumeCommand(pause.scope)}`)
    }
    if (context.options.json === true) context.json(jsonOf(plans))
    else tell(context, plans)
    const changed = plans.some(hasSomething)
    return changed && options.detailedExitcode === true ? 2 : 0
  }
