/** What is told below the headline of an entry: who decided, what it saw, what came of it, what a person may do. */
import type { Json } from '../domain/json.ts'
import { pausedBy, resumeCommand, type Pause } from './pauses.ts'
import { clock, harmless, inline, moment, plural, span, truncate, type Fact } from './print.ts'
import { approvalCommands, rulingCommands, rulingFact } from './rulings.ts'
import type { Linked } from './why-links.ts'
import type { Attempt, Premise, Story } from './why-rows.ts'

const premises_told_max = 6
const linked_told_max = 5
/** Of a state that was read or answered: the rest is in --json. */
const value_width = 100

type Entry = Story['entries'][number]

/** Whether a premise still is as it was; what the decision itself wrote has not moved under it. */
const standing = (premise: Premise): string => {
  const { holds, decision_id, next_decision, next_intent } = premise
  if (holds === null || next_decision === decision_id) return ''
  if (holds) return ', as it is now'
  return next_intent === null ? ', moved since' : `, moved since by #${next_intent}`
}

const valueOf = (state: Json): string =>
  state === null ? '(absent)' : truncate(inline(state), value_width)

const premiseText = (premise: Premise): string => {
  const { kind, name, version, predicate, state } = premise
  if (predicate !== null) return harmless(`${predicate}${standing(premise)}`)
  const value = premise.archived ? '(archived)' : valueOf(state)
  const was = version === 0 ? 'v0 (never existed)' : `v${version ?? '?'} ${value}`
  return harmless(`${kind ?? ''}/${name ?? ''} ${was}${standing(premise)}`)
}

/** What matters to an entry: 0 the resource itself, 1 what was counted and found, 2 what has moved since, 3 the rest. */
const rankOf = (premise: Premise, entry: Entry): number => {
  const { kind, name, predicate, holds, next_decision, decision_id } = premise
  if (kind === entry.kind && name === entry.name) return 0
  if (predicate !== null) return 1
  return holds === false && next_decision !== decision_id ? 2 : 3
}

/** A list as facts, the name before the first of them. */
const listFacts = (name: string, texts: readonly string[]): readonly Fact[] =>
  texts.map((text, i) => [i === 0 ? name : '', text] as const)

const premiseFacts = (entry: Entry): readonly Fact[] => {
  const told = entry.premises
    .map((premise) => ({ premise, rank: rankOf(premise, entry) }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, premises_told_max)
    .map(({ premise }) => premiseText(premise))
  const left = entry.premises.length - told.length
  return listFacts('relied on', [...told, ...(left > 0 ? [plural(left, 'other fact')] : [])])
}

const linkedFacts = (name: string, linked: readonly Linked[]): readonly Fact[] => {
  const told = linked
    .slice(0, linked_told_max)
    .map((l) => harmless(`#${l.id} ${l.verb} ${l.kind}/${l.name}: ${l.state.replaceAll('_', ' ')}`))
  const left = linked.length - told.length
  return listFacts(name, [...told, ...(left > 0 ? [`and ${plural(left, 'other intent')}`] : [])])
}

const decidedText = (entry: Entry): string => {
  const who = entry.actor === '' ? '' : ` for ${entry.actor}`
  const why = entry.decided_because === '' ? '' : `: ${entry.decided_because}`
  const tries =
    entry.tries > 1 ? `, after ${plural(entry.tries - 1, 'aborted try', 'aborted tries')}` : ''
  return harmless(`by ${entry.decider} v${entry.decider_version}${who}${why}${tries}`)
}

const attemptText = (attempt: Attempt): string => {
  const { started_at, ended_at, outcome, error_class, error, worker, external_id } = attempt
  const took = ended_at === null ? 'under way' : span(ended_at.getTime() - started_at.getTime())
  const wrong = [error_class, error].filter((text) => text !== null).join(': ')
  const parts = [
    `${clock(started_at)}, ${took}, worker ${worker}: ${(outcome ?? 'no outcome yet').replaceAll('_', ' ')}`,
    ...(wrong === '' ? [] : [wrong]),
    ...(external_id === null ? [] : [`external id ${external_id}`]),
    ...(attempt.response === null ? [] : [`answered ${valueOf(attempt.response)}`]),
  ]
  return harmless(parts.join(', '))
}

const nextText = (entry: Entry, paused: Pause | null): string => {
  const { due_at, held_until, waits_for, state: own } = entry
  if (paused !== null && own === 'pending') return `waits: ${pausedBy(paused)}`
  if (waits_for !== null) {
    const { id, verb, kind, name, state } = waits_for
    return `waits until #${id} is through: ${verb} of ${kind}/${name}, ${state.replaceAll('_', ' ')}`
  }
  if (held_until !== null && own === 'pending') {
    return `waits for its maintenance window, which opens at ${moment(held_until).slice(0, 16)} UTC`
  }
  if (entry.unserved)
    return `due ${due_at === null ? '' : clock(due_at)}, but no worker that lives provides kind ${entry.kind}`
  return due_at === null ? 'nobody looks at it by itself' : `due ${clock(due_at)}`
}

const endText = (entry: Entry, paused: Pause | null): string | undefined => {
  const reason = entry.reason === null ? '' : `: ${entry.reason}`
  const state = entry.state.replaceAll('_', ' ')
  if (entry.cause !== 'intent') return undefined
  if (entry.settled_at !== null) {
    const after = entry.settled_at.getTime() - entry.recorded_at.getTime()
    return harmless(`${state}, ${span(after)} after it was decided${reason}`)
  }
  return harmless(`${state}, ${nextText(entry, paused)}${reason}`)
}

/** Attempts and rulings as they came one after the other. */
const happenings = ({ attempts, rulings }: Entry): readonly Fact[] =>
  [
    ...attempts.map((attempt) => ({
      at: attempt.started_at,
      fact: [`attempt ${attempt.number}`, attemptText(attempt)] as const,
    })),
    ...rulings.map((ruling) => ({ at: ruling.at, fact: rulingFact(ruling) })),
  ]
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ fact }) => fact)

/** What a person may type where nothing goes on by itself. */
const commandsFor = (entry: Entry, paused: Pause | null): readonly Fact[] => {
  if (entry.cause !== 'intent' || entry.settled_at !== null) return []
  if (paused !== null && entry.state === 'pending') return [['go on', resumeCommand(paused.scope)]]
  if (entry.state === 'awaiting_approval') return approvalCommands(entry.id)
  return entry.state === 'in_doubt' && entry.due_at === null ? rulingCommands(entry.id) : []
}

/** What became of the decision once it had gone stale, and what it is instead of. */
const againFacts = ({ decided_again, decided_as, instead_of }: Entry): readonly Fact[] => [
  ...(instead_of === null
    ? []
    : [['instead of', `decision ${instead_of}, which went stale`] as const]),
  ...(decided_again === null
    ? []
    : [
        [
          'again',
          decided_as === null ? decided_again.replaceAll('_', ' ') : `decided as ${decided_as}`,
        ] as const,
      ]),
]

const sentFacts = ({ verb, state_after, attempts: [first] }: Entry): readonly Fact[] =>
  first === undefined
    ? []
    : [
        ['sent', harmless(`${verb}${state_after === null ? '' : ` ${valueOf(state_after)}`}`)],
        ['', `idempotency key ${harmless(first.idempotency_key)}`],
      ]

/** What all entries of a decision have in common. */
export const decisionFacts = (entry: Entry): readonly Fact[] => [
  ['decided', decidedText(entry)],
  ...premiseFacts(entry),
]

/** What came of one of them. */
export const fateFacts = (entry: Entry, paused: Pause | null): readonly Fact[] => {
  const end = endText(entry, paused)
  const { links } = entry
  return [
    ...linkedFacts('undoes', links.undoes),
    ...sentFacts(entry),
    ...happenings(entry),
    ...linkedFacts('took back', links.took_back),
    ...linkedFacts('undone by', links.undone_by),
    ...linkedFacts('holds up', links.holds_up),
    ...againFacts(entry),
    ...(end === undefined ? [] : [['now', end] as const]),
    ...commandsFor(entry, paused),
  ]
}
