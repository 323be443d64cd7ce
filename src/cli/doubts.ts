/** `foreword doubts`: calls whose outcome nobody knows, with what a person needs to rule on them. */
import { resourceKey } from '../domain/reference.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Context } from './context.ts'
import { factLines, harmless, inline, moment, plural, span, type Fact } from './print.ts'
import { openReader } from './session.ts'

interface Doubt {
  readonly intent_id: number
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly since: Date | null
  readonly question: string
  readonly sent: JsonObject
  readonly answered: string | null
  readonly lookup: JsonObject
  readonly blocks: number
  readonly waits_for_a_person: boolean
}

const time = (value: Json | undefined): string =>
  typeof value === 'string' ? moment(new Date(value)) : 'never'

const lookupOf = ({ lookup, waits_for_a_person }: Doubt): string => {
  if (waits_for_a_person) return 'waits for a person: nothing looks at it any more'
  const { looks, next_at } = lookup
  return `foreword looks it up itself: ${Number(looks)} so far, next at ${time(next_at)}`
}

const linesOf = (doubt: Doubt, context: Context): readonly string[] => {
  const { colors } = context
  const since = doubt.since === null ? '' : `  since ${span(Date.now() - doubt.since.getTime())}`
  const observed = doubt.lookup['observed'] ?? null
  const seen =
    observed === null
      ? 'never seen, or seen absent'
      : `${inline(observed)} at ${time(doubt.lookup['observed_at'])}`
  const sent = inline(doubt.sent['state'] ?? null)
  const facts: readonly Fact[] = [
    ['where', `${harmless(resourceKey(doubt))} in ${harmless(doubt.scope)}`],
    ['sent', `${sent} at ${time(doubt.sent['at'])}`],
    ['answered', harmless(doubt.answered ?? 'nothing')],
    ['last seen', seen],
    ['now', lookupOf(doubt)],
    ...(doubt.blocks === 0 ? [] : [['blocks', plural(doubt.blocks, 'other intent')] as const]),
  ]
  const paint = doubt.waits_for_a_person ? colors.yellow : colors.cyan
  return [
    `${paint('?')} ${colors.bold(`#${doubt.intent_id}  ${harmless(doubt.question)}`)}${colors.dim(since)}`,
    ...factLines(facts, context),
    '',
  ]
}

export const doubts =
  () =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const rows = await sql<Doubt[]>`
      select d.*
      from foreword.doubt d
      order by d.waits_for_a_person desc, d.since`
    if (context.options.json === true) {
      context.json(rows)
      return 0
    }
    for (const line of rows.flatMap((doubt) => linesOf(doubt, context))) context.out(line)
    const waiting = rows.filter((row) => row.waits_for_a_person).length
    context.out(
      rows.length === 0
        ? `${context.colors.green('●')} No doubts.`
        : `${plural(rows.length, 'doubt')}, ${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a person.`,
    )
    return 0
  }
