/** `foreword reconcile`: looks at the world now, instead of when the next schedule is due. */
import { ForewordError } from '../domain/errors.ts'
import type { Config } from '../domain/config.ts'
import type { Reconciled } from '../reconcile/reconcile.ts'
import { actorOf } from './actor.ts'
import { changeLine } from './change-lines.ts'
import { no_providers_remedy } from './config-file.ts'
import type { Context } from './context.ts'
import { pausedBy, resumeCommand } from './pauses.ts'
import { harmless, plural } from './print.ts'
import { noteUnknown } from './scope.ts'
import { configOf, openSession } from './session.ts'
import { awaitIntents, waitMs, withWorkers, type WaitResult } from './wait.ts'

export interface ReconcileOptions {
  readonly scope?: string
  readonly kind?: string
  readonly wait?: boolean | number | undefined
}

const listed_max = 20

const checkKind = (config: Config, kind: string | undefined): void => {
  const kinds = config.providers.map((provider) => provider.kind)
  if (kinds.length === 0) {
    throw new ForewordError('there is no provider to look with', { remedy: no_providers_remedy })
  }
  if (kind === undefined || kinds.includes(kind)) return
  throw new ForewordError(`no provider for the kind ${JSON.stringify(kind)}`, {
    where: 'foreword reconcile --kind',
    remedy: `known kinds: ${kinds.toSorted().join(', ')}`,
    exit_code: 2,
  })
}

const tell = (context: Context, done: Reconciled): void => {
  const { colors, say, width } = context
  const parts = [
    `${plural(done.looked, 'resource')} looked at`,
    ...(done.skipped > 0 ? [`${done.skipped} too busy to be looked at`] : []),
    ...(done.failed > 0 ? [colors.red(`${plural(done.failed, 'look')} failed`)] : []),
    done.drifted.length === 0 ? 'no drift' : colors.yellow(`${done.drifted.length} drifted`),
  ]
  say(`${parts.join(', ')}.`)
  for (const key of done.drifted.slice(0, listed_max)) {
    say(`  ${colors.yellow('≠')} ${harmless(key)}`)
  }
  if (done.drifted.length > listed_max) say(`  … and ${done.drifted.length - listed_max} more`)
  for (const paused of done.paused) {
    say(`${pausedBy(paused)}: nothing decided. ${resumeCommand(paused.scope)}`)
  }
  for (const scope of done.gave_up) {
    say(`${harmless(scope)}: others were faster each time; run it again for what is left.`)
  }
  for (const { scope, resource, reason, remedy } of done.left.slice(0, listed_max)) {
    const what = resource === null ? '' : `${resource} is left as it is: `
    const then = remedy === '' ? '' : `; ${remedy}`
    context.complain(harmless(`foreword: ${what}${reason}, scope ${scope}${then}`))
  }
  if (done.left.length > listed_max) say(`  … and ${done.left.length - listed_max} more are left`)
  if (done.intents.length === 0) {
    if (done.paused.length + done.gave_up.length + done.left.length === 0) say('Nothing to do.')
    return
  }
  say(`${colors.bold('Decided:')} ${plural(done.intents.length, 'intent')}.`)
  for (const intent of done.intents.slice(0, listed_max)) say(changeLine(intent, colors, width))
  if (done.intents.length > listed_max) say(`  … and ${done.intents.length - listed_max} more`)
}

export const reconcile =
  (options: ReconcileOptions) =>
  async (context: Context): Promise<number> => {
    const config = await configOf(context)
    checkKind(config, options.kind)
    const { engine } = await openSession(context, { config })
    const done = await engine.reconcile({
      actor: actorOf(context.env),
      ...(options.scope === undefined ? {} : { scope: options.scope }),
      ...(options.kind === undefined ? {} : { kind: options.kind }),
    })
    tell(context, done)
    if (options.scope !== undefined && done.looked === 0 && done.intents.length === 0) {
      await noteUnknown(context, engine.sql, options.scope)
    }
    const timeout_ms = waitMs(options.wait)
    let waited: { readonly exit_code: number; readonly result: WaitResult } | undefined
    if (done.intents.length > 0) {
      const kinds = done.intents.map(({ kind }) => kind)
      await withWorkers(context, engine, kinds, timeout_ms !== undefined)
      if (timeout_ms !== undefined) {
        const ids = done.intents.map(({ id }) => id)
        waited = await awaitIntents(context, engine, ids, timeout_ms)
      }
    }
    if (context.options.json === true) {
      context.json({ ...done, ...(waited === undefined ? {} : { waited: waited.result }) })
    }
    const left_undone = done.failed + done.gave_up.length + done.left.length > 0 ? 1 : 0
    return (waited?.exit_code ?? 0) || left_undone
  }
