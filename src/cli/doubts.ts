/** `foreword doubts`: what waits for a person, with what is needed to rule on it, and what to type. */
import type { Json, JsonObject } from '../domain/json.ts'
import { resourceKey } from '../domain/reference.ts'
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { factLines, harmless, inline, moment, plural, span, type Fact } from './print.ts'
import { pauseLines, readPauses } from './pauses.ts'
import { approvalCommands, rulingCommands, rulingFact, rulingsOn, type Ruling } from './rulings.ts'
import { openReader } from './session.ts'

/** Approvals told; hundreds are one decision's, and read better in the view. */
const approvals_max = 50

interface Parked {
  readonly intent_id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly since: Date | null
  readonly question: string
}

interface Doubt extends Parked {
  readonly state: 'in_doubt'
  readonly sent: JsonObject
  readonly answered: string | null
  readonly lookup: JsonObject
  readonly blocks: number
  readonly waits_for_a_person: boolean
  readonly reason: string | null
}

interface Approval extends Parked {
  readonly state: 'awaiting_approval'
  readonly state_after: Json
  readonly decider: string
  readonly actor: string
  readonly decided_because: string
  /** Why it waits, where that is not the policy for its verb. */
  readonly reason: string | null
}

const readDoubts = (sql: Sql): Promise<readonly Doubt[]> => sql<Doubt[]>`
  select 'in_doubt' as state, d.*
  from foreword.doubt d
  order by d.waits_for_a_person desc, d.since, d.intent_id`

const readApprovals = (sql: Sql): Promise<readonly Approval[]> => sql<Approval[]>`
  select
    i.state,
    i.id as intent_id,
    i.scope,
    i.kind,
    i.name,
    i.verb,
    i.decided_at as since,
    format('May %s of %s/%s be done?', i.verb, i.kind, i.name) as question,
    i.state_after,
    d.decider,
    d.actor,
    d.reason as decided_because,
    i.reason
  from foreword.intent i
  join foreword.decision d on d.id = i.decision_id
  where i.state = 'awaiting_approval' and i.settled_at is null
  order by i.id`

const time = (value: Json | undefined): string =>
  typeof value === 'string' ? moment(new Date(value)) : 'never'

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

const sentOf = ({ sent, verb }: Doubt): string => {
  const { state = null, before = null } = sent
  if (verb === 'delete') return `delete, of ${inline(before)}`
  const from = before === null || verb === 'create' ? '' : `, before ${inline(before)}`
  return `${harmless(verb)} ${inline(state)}${from}`
}

const callOf = ({ sent }: Doubt): string =>
  harmless(
    `attempt ${Number(sent['attempt'] ?? 0)} at ${time(sent['at'])}, idempotency key ${textOf(sent['idempotency_key'])}`,
  )

const seenOf = ({ lookup }: Doubt): string => {
  const { observed = null, observed_at = null, external_id = null } = lookup
  if (observed_at === null) return 'never looked at'
  const id = typeof external_id === 'string' ? `, external id ${harmless(external_id)}` : ''
  return `${observed === null ? 'absent' : inline(observed)} at ${time(observed_at)}${id}`
}

const nowOf = ({ lookup, waits_for_a_person }: Doubt): string => {
  if (waits_for_a_person) return 'waits for a person: nothing looks at it any more'
  const { looks, next_at } = lookup
  return `foreword looks at it itself: ${Number(looks)} so far, next at ${time(next_at)}`
}

const headline = (parked: Parked, sign: string, { colors }: Context): string => {
  const since = parked.since === null ? '' : `  since ${span(Date.now() - parked.since.getTime())}`
  const title = colors.bold(`#${parked.intent_id}  ${harmless(parked.question)}`)
  return `${sign} ${title}${colors.dim(since)}`
}

const doubtLines = (
  doubt: Doubt,
  rulings: readonly Ruling[],
  context: Context,
): readonly string[] => {
  const { colors } = context
  const { answered, reason, blocks, waits_for_a_person } = doubt
  const facts: readonly Fact[] = [
    ['where', `${harmless(resourceKey(doubt))} in ${harmless(doubt.scope)}`],
    ['sent', sentOf(doubt)],
    ['in', callOf(doubt)],
    ['answered', harmless(answered ?? 'nothing')],
    ...(reason === null || reason === answered ? [] : [['because', harmless(reason)] as const]),
    ['last seen', seenOf(doubt)],
    ...rulings.map(rulingFact),
    ['now', nowOf(doubt)],
    ...(blocks === 0 ? [] : [['blocks', plural(blocks, 'other intent')] as const]),
    ...(waits_for_a_person ? rulingCommands(doubt.intent_id) : []),
  ]
  const sign = (waits_for_a_person ? colors.yellow : colors.cyan)('?')
  return [headline(doubt, sign, context), ...factLines(facts, context), '']
}

const approvalLines = (approval: Approval, context: Context): readonly string[] => {
  const { state_after, decider, actor, decided_because } = approval
  const facts: readonly Fact[] = [
    ['where', `${harmless(resourceKey(approval))} in ${harmless(approval.scope)}`],
    ['would be', state_after === null ? 'gone' : inline(state_after)],
    ['decided', harmless(`by ${[decider, actor, decided_because].filter(Boolean).join(', ')}`)],
    ...(approval.reason === null ? [] : [['because', harmless(approval.reason)] as const]),
    ...approvalCommands(approval.intent_id),
  ]
  return [headline(approval, context.colors.yellow('!'), context), ...factLines(facts, context), '']
}

const summaryOf = (doubts: readonly Doubt[], approvals: readonly Approval[]): string => {
  const waiting = doubts.filter((doubt) => doubt.waits_for_a_person).length
  const waits = `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a person`
  return [
    ...(doubts.length === 0 ? [] : [`${plural(doubts.length, 'doubt')}, ${waits}.`]),
    ...(approvals.length === 0
      ? []
      : [`${plural(approvals.length, 'intent awaits', 'intents await')} approval.`]),
  ].join(' ')
}

export const doubts =
  () =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const [doubted, approvals, pauses] = await Promise.all([
      readDoubts(sql),
      readApprovals(sql),
      readPauses(sql),
    ])
    if (context.options.json === true) {
      const asked = approvals.map((approval) => ({ ...approval, waits_for_a_person: true }))
      context.json([...doubted, ...asked])
      return 0
    }
    const rulings = await rulingsOn(
      sql,
      doubted.map(({ intent_id }) => intent_id),
    )
    const { colors, out } = context
    for (const doubt of doubted) {
      const mine = rulings.filter(({ intent_id }) => intent_id === doubt.intent_id)
      for (const line of doubtLines(doubt, mine, context)) out(line)
    }
    for (const approval of approvals.slice(0, approvals_max)) {
      for (const line of approvalLines(approval, context)) out(line)
    }
    const left = approvals.length - approvals_max
    if (left > 0) out(colors.dim(`… and ${left} more: select from foreword.intent\n`))
    const paused = pauseLines(pauses, context)
    for (const line of paused.length === 0 ? [] : [...paused, '']) out(line)
    const none = doubted.length + approvals.length === 0
    out(none ? `${colors.green('●')} No doubts.` : summaryOf(doubted, approvals))
    return 0
  }
