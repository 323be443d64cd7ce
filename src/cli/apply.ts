/** `foreword apply`: writes down what shall be, and decides what is to be done for it. */
import { resolve } from 'node:path'
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import type { IntentRef } from '../domain/result.ts'
import type { Engine } from '../foreword.ts'
import { rename } from '../reconcile/rename.ts'
import { gaveUp, runConverge, type Converged } from '../reconcile/run-converge.ts'
import { readAppliedPlan, readSeals, wantPlanned } from '../store/plan-store.ts'
import { changeLine, countsOf } from './change-lines.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { openIntentsOf } from './intents.ts'
import { readPauses, refusePaused } from './pauses.ts'
import { namedLines, tellNotes } from './plan.ts'
import { harmless, plural } from './print.ts'
import { movedPremise, readPlan, versionIn, wantedIn, type SavedStack } from './saved-plan.ts'
import { configOf, openSession } from './session.ts'
import { awaitIntents, waitMs, withWorkers, type WaitResult } from './wait.ts'
import { planStacks, rowsIn, type PlannedStack, type StackPlan } from './plan-stack.ts'
import { readWanted, type WantedStack } from './wanting.ts'

export interface ApplyOptions {
  readonly file?: readonly string[]
  /** A file that `plan --out` wrote, instead of stack files. */
  readonly plan?: string
  readonly prune?: boolean
  readonly takeOver?: boolean
  readonly wait?: boolean | number | undefined
}

const listed_max = 20

interface Applied {
  readonly wanted: WantedStack
  readonly plan: StackPlan
  readonly converged: Converged
}

/** What one stack wants may have been decided with another one. */
const unchangedOf = (applied: readonly Applied[], prune: boolean): number => {
  const keyOf = (scope: string, of: { kind: string; name: string }): string =>
    `${scope} ${resourceKey(of)}`
  const moved = new Set(
    applied.flatMap(({ plan, converged }) =>
      converged.intents
        .filter(({ verb }) => verb !== 'delete')
        .map((intent) => keyOf(plan.scope, intent)),
    ),
  )
  return applied
    .flatMap(({ plan, wanted }) =>
      [...wanted.rows, ...(prune ? [] : plan.left_out)].map((row) => keyOf(plan.scope, row)),
    )
    .filter((key) => !moved.has(key)).length
}

const tell = (context: Context, applied: readonly Applied[], prune: boolean): void => {
  const { colors, width, say } = context
  let room = listed_max
  for (const { plan, converged } of applied) {
    const named = namedLines(plan, colors)
    if (converged.intents.length + named.length === 0) continue
    say(colors.bold(harmless(plan.scope)))
    for (const line of named) say(line)
    for (const intent of converged.intents.slice(0, room)) say(changeLine(intent, colors, width))
    const more = converged.intents.length - room
    if (more > 0) say(colors.dim(`  … and ${more} more`))
    room = Math.max(0, room - converged.intents.length)
  }
  const intents = applied.flatMap(({ converged }) => converged.intents)
  const retries = applied.reduce((sum, { converged }) => sum + converged.retries, 0)
  const unchanged = unchangedOf(applied, prune)
  const again =
    retries === 0 ? '' : colors.dim(` ${plural(retries, 'try was', 'tries were')} decided again.`)
  say(
    intents.length === 0
      ? `${colors.bold('No changes.')} ${plural(unchanged, 'resource')} as wanted.`
      : `${colors.bold('Decided:')} ${countsOf(intents, unchanged)}.${again}`,
  )
}

const jsonOf = (
  applied: readonly Applied[],
  prune: boolean,
  waited: WaitResult | undefined,
): unknown => {
  const byId = new Map((waited?.intents ?? []).map((intent) => [intent.id, intent]))
  const intentJson = (intent: IntentRef): unknown => {
    const { state, reason } = byId.get(intent.id) ?? { state: undefined, reason: undefined }
    return { ...intent, state, reason }
  }
  return {
    decisions: applied.flatMap(({ converged }) => converged.decisions),
    intents: applied.flatMap(({ converged }) => converged.intents).map(intentJson),
    unchanged: unchangedOf(applied, prune),
    retries: applied.reduce((sum, { converged }) => sum + converged.retries, 0),
    ...(waited === undefined ? {} : { waited: waited.type }),
  }
}

/** Kinds of the open intents of the stacks: of those just decided, and of decisions before. */
const openIn = async (
  engine: Engine,
  applied: readonly Applied[],
): Promise<ReadonlyMap<number, string>> => {
  const kinds = new Map<number, string>()
  for (const { plan, wanted, converged } of applied) {
    for (const { id, kind } of converged.intents) kinds.set(id, kind)
    const rows = [...wanted.rows, ...plan.left_out, ...plan.going, ...plan.changes]
    const open = await openIntentsOf(engine.sql, plan.scope, rows.map(resourceKey))
    for (const { id, kind } of open) kinds.set(id, kind)
  }
  return kinds
}

interface Task {
  readonly engine: Engine
  readonly planned: readonly PlannedStack[]
  readonly prune: boolean
  readonly reason: string
  /** Writes down what is wanted. */
  readonly want: (actor: string) => Promise<void>
  /** Of a saved plan: decides nothing but what was planned. */
  readonly saved: boolean
}

/** What cannot be decided at all (a protected resource, a cycle with what is there) is found out before anything of any stack is written. */
const taskOfFiles = async (
  context: Context,
  options: ApplyOptions,
  files: readonly string[],
): Promise<Task | null> => {
  const reading = await readWanted(context, await configOf(context), files)
  if (reading === null) return null
  const { engine } = reading.session
  const { store } = engine.reconcileDeps
  const how = { prune: options.prune === true, take_over: options.takeOver === true }
  const planned = await planStacks(engine, reading.wanted, how)
  const reason = `apply ${files.map((file) => `-f ${file}`).join(' ')}${how.prune ? ' --prune' : ''}`
  const want = async (actor: string): Promise<void> => {
    for (const { wanted } of planned) {
      const { scope, stack, rows } = wanted
      if (rows.length > 0) await store.want(rows, actor, how)
      // What another one of these stacks wants from now on goes there, and not away.
      const keep = rowsIn(scope, reading.wanted)
      if (how.prune) await store.unwantOthers(scope, stack, keep, actor)
    }
  }
  return { engine, planned, prune: how.prune, reason, want, saved: false }
}

const refusePlan = (path: string, what: string): never => {
  throw new ForewordError(harmless(`the plan does not hold any more: ${what}`), {
    where: path,
    remedy: 'plan again; nothing was written',
  })
}

/** The plan is made once more, from what is there now, and must come to the same. */
const taskOfPlan = async (context: Context, path: string): Promise<Task> => {
  const { engine } = await openSession(context)
  const saved = await readPlan(resolve(context.cwd, path), await readSeals(engine.sql))
  const before = await readAppliedPlan(engine.sql, saved.id)
  if (before !== undefined) {
    const { applied_at, applied_by } = before
    throw new ForewordError(
      harmless(`the plan was applied already, at ${applied_at.toISOString()} by ${applied_by}`),
      { where: path, remedy: 'a plan is for once: plan again' },
    )
  }
  const { prune, take_over } = saved
  const planned = await planStacks(engine, saved.stacks.map(wantedIn), { prune, take_over })
  for (const [i, { plan }] of planned.entries()) {
    const moved = movedPremise(saved.stacks[i] as SavedStack, plan)
    if (moved !== null) refusePlan(path, `${moved}, in ${plan.scope}`)
  }
  const want = async (actor: string): Promise<void> => {
    const wishes = planned.map(({ wanted, plan }) => ({
      ...wanted,
      generations: plan.generations,
      renamed: new Set(plan.renamed.map(({ kind, to }) => resourceKey({ kind, name: to }))),
      unwanted: prune ? plan.left_out : [],
    }))
    const moved = await wantPlanned(engine.sql, saved.id, wishes, { by: actor, take_over })
    if (moved !== null) refusePlan(path, moved)
  }
  return { engine, planned, prune, reason: `apply --plan ${path}`, want, saved: true }
}

const convergeAll = async (task: Task, actor: string): Promise<readonly Applied[]> => {
  const applied: Applied[] = []
  for (const { wanted, plan } of task.planned) {
    const { scope, stack } = wanted
    // What another one of its stacks wants may be decided with this one.
    const expected: Record<string, number | null> = {}
    for (const { plan: beside } of task.planned.filter((one) => one.plan.scope === scope)) {
      for (const key of beside.considered.map(resourceKey)) expected[key] = versionIn(beside, key)
    }
    const converged = await runConverge(task.engine.reconcileDeps)({
      scope,
      stack,
      actor,
      reason: task.reason,
      ...(task.saved ? { expected } : {}),
    })
    // Paused since it was planned. What is wanted is written down, and is decided once the scope goes on.
    if (converged.paused !== undefined) throw new ForewordError(harmless(converged.paused))
    if (converged.gave_up !== undefined) throw gaveUp(harmless(scope), converged.gave_up)
    applied.push({ wanted, plan, converged })
  }
  return applied
}

const taskOf = (context: Context, options: ApplyOptions): Promise<Task | null> => {
  const { file, plan } = options
  const wrong = (what: string, remedy: string): never => {
    throw new ForewordError(what, { remedy, exit_code: 2 })
  }
  if (plan === undefined) {
    if (file !== undefined) return taskOfFiles(context, options, file)
    return wrong('nothing to apply', 'say -f FILE, or --plan FILE; see foreword apply --help')
  }
  if (file !== undefined) wrong('a plan has its files', 'say either -f or --plan')
  if (options.prune === true || options.takeOver === true) {
    wrong('a plan has said so, or not', 'say --prune and --take-over when you plan')
  }
  return taskOfPlan(context, plan)
}

export const apply =
  (options: ApplyOptions) =>
  async (context: Context): Promise<number> => {
    const timeout_ms = waitMs(options.wait)
    const task = await taskOf(context, options)
    if (task === null) return 1
    const { engine, planned, prune } = task
    tellNotes(
      context,
      planned.map(({ plan }) => plan),
      prune,
    )
    const changing = planned.filter(({ plan }) => plan.changes.length + plan.renamed.length > 0)
    refusePaused(
      await readPauses(engine.sql),
      changing.map(({ plan }) => plan.scope),
    )
    const actor = actorOf(context.env)
    for (const { plan } of planned) {
      const by = { actor, reason: task.reason }
      await rename(engine.reconcileDeps, plan.scope, plan.renamed, by)
    }
    await task.want(actor)
    const applied = await convergeAll(task, actor)
    engine.wakeup.wake()
    await engine.wakeup.flush()
    tell(context, applied, prune)
    const open = await openIn(engine, applied)
    let waited: { readonly exit_code: number; readonly result: WaitResult } | undefined
    if (open.size > 0) {
      const kinds = [...new Set(open.values())]
      await withWorkers(context, engine, kinds, timeout_ms !== undefined)
      if (timeout_ms !== undefined) {
        waited = await awaitIntents(context, engine, [...open.keys()], timeout_ms)
      }
    }
    if (context.options.json === true) context.json(jsonOf(applied, prune, waited?.result))
    return waited?.exit_code ?? 0
  }
