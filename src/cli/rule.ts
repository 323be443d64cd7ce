/** `foreword resolve`, `approve`, `cancel`: a person rules on intents that wait. */
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import { codeOf, type Sql, type TransactionSql } from '../store/connect.ts'
import { serializably } from '../store/system.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { failureOf } from './failure.ts'
import { readIntents, unservedKinds } from './intents.ts'
import { harmless } from './print.ts'
import { openReader } from './session.ts'
import { tellUnserved } from './wait.ts'

export interface ResolveOptions {
  readonly happened?: boolean
  readonly didNotHappen?: boolean
  readonly retry?: boolean
  readonly abandon?: boolean
  readonly note?: string
  readonly externalId?: string
}

/** Asks the database for one ruling; it returns the state that the intent is in then. */
type Ask = (tx: TransactionSql, intent: number, by: string) => Promise<readonly { state: string }[]>

interface Ruled {
  readonly intent_id: number
  readonly ruling: string
  /** Null: it was refused. */
  readonly state: string | null
  readonly error?: string
}

const id_max = BigInt(Number.MAX_SAFE_INTEGER)

/** Intents as people write them: `8` or `#8`. */
const idOf = (text: string): number => {
  if (/^#?\d{1,19}$/.test(text) && BigInt(text.replace('#', '')) <= id_max) {
    return Number(text.replace('#', ''))
  }
  throw new ForewordError(`${harmless(JSON.stringify(text))} is not the number of an intent`, {
    remedy: 'see `foreword doubts`',
    exit_code: 2,
  })
}

/** Serializable, so that what is taken back is taken back at once, worker or none. */
const ruleOn = async (
  sql: Sql,
  context: Context,
  intent: number,
  ruling: string,
  ask: Ask,
): Promise<Ruled> => {
  const by = actorOf(context.env)
  let state: string | null = null
  try {
    await serializably(sql, async (tx) => {
      state = (await ask(tx, intent, by))[0]?.state ?? null
    })
    return { intent_id: intent, ruling, state }
  } catch (error) {
    // Refused, which says nothing about the next one.
    if (!codeOf(error).startsWith('FW')) throw error
    const { line } = failureOf(error, undefined, context.env)
    context.complain(line)
    return { intent_id: intent, ruling, state, error: line.replace(/^foreword: /, '') }
  }
}

const tell = async (context: Context, sql: Sql, ruled: readonly Ruled[]): Promise<void> => {
  const done = ruled.filter((one) => one.state !== null)
  const intents = await readIntents(
    sql,
    done.map((one) => one.intent_id),
  )
  for (const intent of intents) {
    const { state, reason } = intent
    const what = harmless(`${intent.verb} ${resourceKey(intent)} in ${intent.scope}`)
    const why = reason === null ? '' : harmless(`: ${reason}`)
    context.say(`#${intent.id} ${what}: ${context.colors.bold(state.replaceAll('_', ' '))}${why}`)
  }
  const kinds = intents.filter((i) => i.settled_at === null).map((i) => i.kind)
  if (kinds.length > 0) tellUnserved(context, await unservedKinds(sql, kinds))
}

/** Each intent is ruled on by itself: one that is refused keeps nobody else waiting. */
const rule = async (
  context: Context,
  ids: readonly string[],
  ruling: string,
  ask: Ask,
): Promise<number> => {
  const intents = [...new Set(ids.map(idOf))]
  const sql = await openReader(context)
  const ruled: Ruled[] = []
  for (const intent of intents) ruled.push(await ruleOn(sql, context, intent, ruling, ask))
  await tell(context, sql, ruled)
  if (context.options.json === true) context.json(ruled)
  return ruled.every((one) => one.state !== null) ? 0 : 1
}

const wrong = (what: string, remedy: string): ForewordError =>
  new ForewordError(what, { remedy, exit_code: 2 })

const rulingOf = (options: ResolveOptions): string => {
  const { happened, didNotHappen, retry, abandon } = options
  const chosen = Object.entries({ happened, did_not_happen: didNotHappen, retry, abandon })
    .filter(([, is]) => is === true)
    .map(([name]) => name)
  const [ruling] = chosen
  if (ruling === undefined || chosen.length > 1) {
    throw wrong(
      ruling === undefined ? 'no ruling' : 'more than one ruling',
      'give one of --happened, --did-not-happen, --retry, --abandon',
    )
  }
  if (options.externalId !== undefined && ruling !== 'happened') {
    throw wrong('--external-id says what there is', 'give it with --happened')
  }
  return ruling
}

export const resolve =
  (id: string, options: ResolveOptions) =>
  async (context: Context): Promise<number> => {
    const ruling = rulingOf(options)
    const { note = '', externalId = null } = options
    if (note.trim() === '') {
      throw wrong('a ruling needs a note', "say why: --note 'not in the console'")
    }
    return rule(
      context,
      [id],
      ruling,
      (tx, intent, by) =>
        tx`select foreword.resolve(${intent}, ${ruling}, ${by}, ${note}, ${externalId}) as state`,
    )
  }

export const approve =
  (ids: readonly string[], options: { readonly note?: string }) =>
  (context: Context): Promise<number> =>
    rule(
      context,
      ids,
      'approve',
      (tx, intent, by) =>
        tx`select foreword.approve(${intent}, ${by}, ${options.note ?? ''}) as state`,
    )

export const cancel =
  (ids: readonly string[], options: { readonly note?: string }) =>
  (context: Context): Promise<number> =>
    rule(
      context,
      ids,
      'cancel',
      (tx, intent, by) =>
        tx`select foreword.cancel(${intent}, ${by}, ${options.note ?? ''}) as state`,
    )
