/** `foreword apply`: writes down what shall be, and decides what is to be done for it. */
import { hostname, userInfo } from 'node:os'
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import type { IntentRef } from '../domain/result.ts'
import type { Engine } from '../foreword.ts'
import { runConverge, type Converged } from '../reconcile/run-converge.ts'
import { changeLine, countsOf } from './change-lines.ts'
import type { Context } from './context.ts'
import { openIntentsOf } from './intents.ts'
import { readPauses, refusePaused } from './pauses.ts'
import { tellNotes } from './plan.ts'
import { harmless, plural } from './print.ts'
import { configOf } from './session.ts'
import { awaitIntents, waitMs, withWorkers, type WaitResult } from './wait.ts'
import { planStack, readWanted, type StackPlan, type WantedStack } from './wanting.ts'

export interface ApplyOptions {
  readonly file: readonly string[]
  readonly prune?: boolean
  readonly wait?: boolean | number | undefined
}

const listed_max = 20

/** user@host, as the log tells who decided. */
export const actorOf = (env: NodeJS.ProcessEnv): string => {
  let user = env['USER'] ?? env['LOGNAME'] ?? ''
  try {
    user = userInfo().username
  } catch {
    // A user id without a name, as in containers: what the environment says must do.
  }
  return harmless(`${user === '' ? 'somebody' : user}@${hostname()}`)
}

interface Applied {
  readonly wanted: WantedStack
  readonly plan: StackPlan
  readonly converged: Converged
}

const applyStack = async (
  engine: Engine,
  planned: { readonly wanted: WantedStack; readonly plan: StackPlan },
  prune: boolean,
  by: { readonly actor: string; readonly reason: string },
): Promise<Applied> => {
  const { wanted } = planned
  const { scope, stack, rows } = wanted
  const { store } = engine.reconcileDeps
  if (rows.length > 0) await store.want(rows, by.actor)
  if (prune) await store.unwantOthers(scope, stack, rows, by.actor)
  const converged = await runConverge(engine.reconcileDeps)({ scope, stack, ...by })
  // Paused since it was planned. What is wanted is written down, and is decided once the scope goes on.
  if (converged.paused !== undefined) throw new ForewordError(harmless(converged.paused))
  return { ...planned, converged }
}

const unchangedIn = ({ plan, wanted, converged }: Applied, prune: boolean): number => {
  const kept = wanted.rows.length + (prune ? 0 : plan.left_out.length)
  return Math.max(0, kept - converged.intents.filter(({ verb }) => verb !== 'delete').length)
}

const tell = (context: Context, applied: readonly Applied[], prune: boolean): void => {
  const { colors, width, say } = context
  let room = listed_max
  for (const { plan, converged } of applied.filter((a) => a.converged.intents.length > 0)) {
    say(colors.bold(harmless(plan.scope)))
    for (const intent of converged.intents.slice(0, room)) say(changeLine(intent, colors, width))
    const more = converged.intents.length - room
    if (more > 0) say(colors.dim(`  … and ${more} more`))
    room = Math.max(0, room - converged.intents.length)
  }
  const intents = applied.flatMap(({ converged }) => converged.intents)
  const retries = applied.reduce((sum, { converged }) => sum + converged.retries, 0)
  const unchanged = applied.reduce((sum, one) => sum + unchangedIn(one, prune), 0)
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
    unchanged: applied.reduce((sum, one) => sum + unchangedIn(one, prune), 0),
    retries: applied.reduce((sum, { converged }) => sum + converged.retries, 0),
    ...(waited === undefined ? {} : { waited: waited.type }),
  }
}

/** Open intents of the stacks: those just decided, and those of decisions before. */
const openIn = async (engine: Engine, applied: readonly Applied[]): Promise<readonly number[]> => {
  const ids = new Set<number>()
  for (const { plan, wanted, converged } of applied) {
    for (const { id } of converged.intents) ids.add(id)
    const keys = [...wanted.rows, ...plan.left_out, ...plan.changes].map(resourceKey)
    for (const id of await openIntentsOf(engine.sql, plan.scope, keys)) ids.add(id)
  }
  return [...ids]
}

export const apply =
  (options: ApplyOptions) =>
  async (context: Context): Promise<number> => {
    const prune = options.prune === true
    const timeout_ms = waitMs(options.wait)
    const reading = await readWanted(context, await configOf(context), options.file)
    if (reading === null) return 1
    const { engine } = reading.session
    // What cannot be decided at all (a protected resource, a cycle with what is there) is found out
    // before anything of any stack is written.
    const planned: { readonly wanted: WantedStack; readonly plan: StackPlan }[] = []
    for (const wanted of reading.wanted) {
      planned.push({ wanted, plan: await planStack(engine, wanted, prune) })
    }
    tellNotes(
      context,
      planned.map(({ plan }) => plan),
      prune,
    )
    const changing = planned.filter(({ plan }) => plan.changes.length > 0)
    refusePaused(
      await readPauses(engine.sql),
      changing.map(({ plan }) => plan.scope),
    )
    const reason = `apply ${options.file.map((file) => `-f ${file}`).join(' ')}`
    const by = { actor: actorOf(context.env), reason: `${reason}${prune ? ' --prune' : ''}` }
    const applied: Applied[] = []
    for (const one of planned) applied.push(await applyStack(engine, one, prune, by))
    engine.wakeup.wake()
    await engine.wakeup.flush()
    tell(context, applied, prune)
    const open = await openIn(engine, applied)
    const kinds = applied.flatMap(({ plan, wanted }) =>
      [...wanted.rows, ...plan.changes].map(({ kind }) => kind),
    )
    let waited: { readonly exit_code: number; readonly result: WaitResult } | undefined
    if (open.length > 0) {
      await withWorkers(context, engine, kinds, timeout_ms !== undefined)
      if (timeout_ms !== undefined) {
        waited = await awaitIntents(context, engine, open, timeout_ms)
      }
    }
    if (context.options.json === true) context.json(jsonOf(applied, prune, waited?.result))
    return waited?.exit_code ?? 0
  }
