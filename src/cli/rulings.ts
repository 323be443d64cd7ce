/** Rulings of persons, for `foreword why` and `foreword log`; and what a person may type next. */
import type { Sql } from '../store/connect.ts'
import { harmless, moment, type Fact } from './print.ts'

export interface Ruling {
  readonly id: number
  readonly intent_id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly verb: string
  readonly ruling: string
  readonly by: string
  readonly login: string
  readonly note: string
  readonly at: Date
  readonly state_before: string
  readonly reason_before: string | null
  readonly attempts: number
  readonly external_id: string | null
}

const columns = (sql: Sql) => sql`
  r.id,
  r.intent_id,
  r.scope,
  r.kind,
  r.name,
  i.version,
  r.verb,
  r.ruling,
  r.by,
  r.login,
  r.note,
  r.at,
  r.state_before,
  r.reason_before,
  r.attempts,
  r.external_id`

/** The rulings on these intents, in their order. */
export const rulingsOn = (sql: Sql, intents: readonly number[]): Promise<readonly Ruling[]> =>
  sql<Ruling[]>`
    select ${columns(sql)}
    from foreword.ruling r
    join foreword.intent i on i.id = r.intent_id
    where r.intent_id = any (${intents.map(String)}::bigint[])
    order by r.id`

/** The newest rulings, oldest of them first; `since`: none from before. */
export const newestRulings = async (
  sql: Sql,
  filter: { readonly scope: string | undefined; readonly since?: Date; readonly last: number },
): Promise<readonly Ruling[]> => {
  const { scope = null, since = null, last } = filter
  const rows = await sql<Ruling[]>`
    select ${columns(sql)}
    from foreword.ruling r
    join foreword.intent i on i.id = r.intent_id
    where
      (${scope}::text is null or r.scope = ${scope})
      and (${since}::timestamptz is null or r.at >= ${since})
    order by r.id desc
    limit ${last}`
  return rows.toReversed()
}

/** What was ruled, by whom, and why. */
export const rulingFact = ({ ruling, by, note, at, external_id }: Ruling): Fact => {
  const id = external_id === null ? '' : `, external id ${external_id}`
  const why = note === '' ? '' : `: ${note}`
  return ['ruled', harmless(`${moment(at)}, ${ruling.replaceAll('_', ' ')}${id}, by ${by}${why}`)]
}

/** Commands by which a person ends a doubt, each with what follows from it. */
export const rulingCommands = (intent: number): readonly Fact[] => {
  const command = (option: string): string => `foreword resolve ${intent} --${option} --note '…'`
  return [
    ['it is done', command('happened')],
    ['it is not', command('did-not-happen')],
    ['try again', `${command('retry')}  (two, should the first have happened)`],
    ['give it up', `${command('abandon')}  (with what relied on it)`],
  ]
}

/** Commands by which a person lets go or takes back what a policy holds back. */
export const approvalCommands = (intent: number): readonly Fact[] => [
  ['go on', `foreword approve ${intent}`],
  ['take back', `foreword cancel ${intent}`],
]
