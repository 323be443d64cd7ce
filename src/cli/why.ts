/** `foreword why`: the causal story of an intent or a resource. */
import { resourceKey } from '../domain/reference.ts'
import type { Context } from './context.ts'
import { signOf } from './change-lines.ts'
import { pausedBy, resumeCommand, type Pause } from './pauses.ts'
import {
  clock,
  factLines,
  harmless,
  inline,
  moment,
  plural,
  span,
  type Colors,
  type Fact,
} from './print.ts'
import { approvalCommands, rulingCommands, rulingFact } from './rulings.ts'
import { openReader } from './session.ts'
import { readStory, type Attempt, type Premise, type Story, type Subject } from './why-rows.ts'

const premises_told_max = 5

type Entry = Story['entries'][number]

const subjectFacts = (subject: Subject): readonly Fact[] => {
  const { desired, assumed, observed, observed_at, external_id } = subject
  const seen =
    observed_at === null ? 'not looked at yet' : `${inline(observed)} at ${moment(observed_at)}`
  return [
    ...(subject.reason === null ? [] : [['because', harmless(subject.reason)] as const]),
    ['wanted', desired === null ? 'no (not asked for, or asked to be gone)' : inline(desired)],
    ['assumed', assumed === null ? 'absent' : inline(assumed)],
    ['observed', seen],
    ...(external_id === null ? [] : [['external id', harmless(external_id)] as const]),
  ]
}

/** Whether a premise still is as it was; what the decision itself wrote has not moved under it. */
const standing = (premise: Premise): string => {
  const { holds, decision_id, next_decision, next_intent } = premise
  if (holds === null || next_decision === decision_id) return ''
  if (holds) return ', as it is now'
  return next_intent === null ? ', moved since' : `, moved since by #${next_intent}`
}

const premiseText = (premise: Premise): string => {
  const { kind, name, version, predicate } = premise
  const at = version === 0 ? 'v0 (never existed)' : `v${version ?? '?'}`
  return harmless(`${predicate ?? `${kind ?? ''}/${name ?? ''} ${at}`}${standing(premise)}`)
}

/** What matters to an entry: 0 the resource itself, 1 what was counted and found, 2 what has moved since. */
const rankOf = (premise: Premise, entry: Entry): number => {
  const { kind, name, predicate, holds, next_decision, decision_id } = premise
  if (kind === entry.kind && name === entry.name) return 0
  if (predicate !== null) return 1
  return holds === false && next_decision !== decision_id ? 2 : Infinity
}

const premisesText = (entry: Entry): string => {
  const told = entry.premises
    .map((premise) => ({ premise, rank: rankOf(premise, entry) }))
    .filter(({ rank }) => rank < Infinity)
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, premises_told_max)
    .map(({ premise }) => premiseText(premise))
  const left = entry.premises.length - told.length
  return [...told, ...(left > 0 ? [plural(left, 'other fact')] : [])].join('; ')
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
  ]
  return harmless(parts.join(', '))
}

const nextText = (entry: Entry, paused: Pause | null): string => {
  const { due_at, held_until, waits_for, state } = entry
  if (paused !== null && state === 'pending') return `waits: ${pausedBy(paused)}`
  if (waits_for !== null) {
    const { id, verb, kind, name, state } = waits_for
    return `waits until #${id} is through: ${verb} of ${kind}/${name}, ${state.replaceAll('_', ' ')}`
  }
  if (held_until !== null && state === 'pending') {
    return `waits for its maintenance window, which opens at ${moment(held_until).slice(0, 16)} UTC`
  }
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

const entryFacts = (entry: Entry, paused: Pause | null): readonly Fact[] => {
  const end = endText(entry, paused)
  const key = entry.attempts[0]?.idempotency_key
  return [
    ['decided', decidedText(entry)],
    ...(entry.premises.length === 0 ? [] : [['relied on', premisesText(entry)] as const]),
    ...(key === undefined ? [] : [['sent with', `idempotency key ${harmless(key)}`] as const]),
    ...happenings(entry),
    ...(end === undefined ? [] : [['now', end] as const]),
    ...commandsFor(entry, paused),
  ]
}

const entryTitle = (entry: Entry, colors: Colors): string => {
  const { sign, paint } = signOf(entry.verb)
  const state = entry.state === 'recorded' ? entry.cause : entry.state.replaceAll('_', ' ')
  const good = entry.state === 'confirmed'
  const painted = colors[good ? 'green' : entry.state === 'recorded' ? 'cyan' : 'yellow'](state)
  const head = `${colors[paint](sign)} ${colors.bold(`#${entry.id}  v${entry.version}  ${harmless(entry.verb)}`)}`
  return `${head}  ${painted}  ${colors.dim(moment(entry.recorded_at))}`
}

export const why =
  (what: string, options: { readonly scope?: string }) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const story = await readStory(sql, what, options.scope)
    if (context.options.json === true) {
      context.json(story)
      return 0
    }
    const { colors, out } = context
    const { subject, entries } = story
    const condition = subject.condition.replaceAll('_', ' ')
    out(
      `${colors.bold(harmless(resourceKey(subject)))} in ${harmless(subject.scope)}: ` +
        `${colors.bold(condition)} since ${moment(subject.since)} UTC, version ${subject.version}`,
    )
    for (const line of factLines(subjectFacts(subject), context)) out(line)
    const told = entries.length
    if (told === 0) out(colors.dim('\nNothing was decided about it yet.'))
    const earlier = (entries[0]?.version ?? 1) - 1
    if (earlier > 0 && !/^#?\d+$/.test(what))
      out(colors.dim(`\n… ${plural(earlier, 'earlier version')}`))
    for (const entry of entries) {
      out()
      out(entryTitle(entry, colors))
      for (const line of factLines(entryFacts(entry, story.paused), context)) out(line)
    }
    return 0
  }
