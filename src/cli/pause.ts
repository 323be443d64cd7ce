/** `foreword pause` and `foreword resume`: a person holds a scope, and lets it go on. */
import type { Sql, TransactionSql } from '../store/connect.ts'
import { serializably } from '../store/system.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { pausedBy, readPauses, resumeCommand } from './pauses.ts'
import { harmless, plural, span } from './print.ts'
import { noteUnknown } from './scope.ts'
import { openReader } from './session.ts'

export interface PauseOptions {
  readonly note?: string
  readonly by?: string
}

/** Serializable: who decides just now comes before it, or is decided again and refused. */
const asked = async (
  sql: Sql,
  ask: (tx: TransactionSql) => Promise<readonly { readonly done: boolean }[]>,
): Promise<boolean> => {
  let done = false
  await serializably(sql, async (tx) => {
    done = (await ask(tx))[0]?.done === true
  })
  return done
}

export const pause =
  (scope: string, options: PauseOptions) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const { by = actorOf(context.env), note = '' } = options
    const done = await asked(
      sql,
      (tx) => tx`select foreword.pause(${scope}, ${by}, ${note}) as done`,
    )
    const [now] = await readPauses(sql, scope)
    if (context.options.json === true) context.json({ scope, changed: done, ...now })
    if (now === undefined) return 0
    if (!done)
      context.say(`${pausedBy(now)}, since ${span(Date.now() - now.since.getTime())} already.`)
    else {
      context.say(`${pausedBy(now)}. ${plural(now.waiting, 'intent waits', 'intents wait')}.`)
      context.say(context.colors.dim(`It goes on by: ${resumeCommand(scope)}`))
    }
    await noteUnknown(context, sql, scope, '; paused all the same')
    return 0
  }

export const resume =
  (scope: string, options: PauseOptions) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const { by = actorOf(context.env), note = '' } = options
    const [before] = await readPauses(sql, scope)
    const done = await asked(
      sql,
      (tx) => tx`select foreword.resume(${scope}, ${by}, ${note}) as done`,
    )
    if (context.options.json === true) {
      context.json({ scope, changed: done, due: done ? (before?.waiting ?? 0) : 0 })
    }
    const due = plural(before?.waiting ?? 0, 'intent is', 'intents are')
    context.say(
      harmless(done ? `scope ${scope} goes on. ${due} due.` : `scope ${scope} was not paused.`),
    )
    return 0
  }
