/** What happened, in words: entries, calls, rulings and drift in the order of time. */
import type { AttemptRow, DriftRow, EntryRow, RulingRow } from '../domain/web-story-ports.ts'
import { decisionLink, exactly, numbered, outcome, pill, table, value, type Html } from './parts.ts'
import { html } from './text.ts'
import { millis } from './words.ts'

export interface Event {
  readonly at: Date
  /** Of those of one moment, what comes first. */
  readonly rank: number
  readonly what: Html
}

const events_max = 80

const decided = (entry: EntryRow): Html => {
  const who = entry.actor === '' ? '' : html` for <bdi>${entry.actor}</bdi>`
  const because = entry.decided_because === '' ? '' : html`: <bdi>${entry.decided_because}</bdi>`
  const what =
    entry.cause === 'intent'
      ? html`${numbered(entry.id)} <bdi>${entry.verb}</bdi> was intended`
      : html`${entry.cause} was written (<bdi>${entry.verb}</bdi>)`
  return html`<b>v${entry.version}</b> ${what} by
    <a href="${decisionLink(entry.decision_id)}"
      ><bdi>${entry.decider}</bdi> v${entry.decider_version}</a
    >${who}${because}`
}

export const entryEvents = (entry: EntryRow): readonly Event[] => [
  { at: entry.recorded_at, rank: 0, what: decided(entry) },
  ...(entry.cause === 'intent' && entry.settled_at !== null
    ? [
        {
          at: entry.settled_at,
          rank: 9,
          what: html`${numbered(entry.id)} settled: ${pill(entry.state)}
          ${entry.reason === null ? '' : html`<bdi class="sub why">${entry.reason}</bdi>`}`,
        },
      ]
    : []),
]

/** What came back of one call, in a line. */
const answerOf = (attempt: AttemptRow): Html | string => {
  const wrong = [attempt.error_class, attempt.error].filter((text) => text !== null).join(': ')
  return wrong === '' ? '' : html`<bdi class="sub why">${wrong}</bdi>`
}

export const attemptEvent = (attempt: AttemptRow): Event => {
  const { started_at, ended_at, worker, external_id } = attempt
  const took = ended_at === null ? 'under way' : millis(ended_at.getTime() - started_at.getTime())
  return {
    at: started_at,
    rank: 3,
    what: html`call ${attempt.number} of ${numbered(attempt.intent_id)}, worker ${worker}, ${took}:
    ${attempt.outcome === null ? 'no outcome yet' : outcome(attempt.outcome)}
    ${external_id === null ? '' : html`<span class="soft">id <bdi>${external_id}</bdi></span>`}
    ${answerOf(attempt)}`,
  }
}

export const rulingEvent = (ruling: RulingRow): Event => ({
  at: ruling.at,
  rank: 5,
  what: html`<b>◆ ${ruling.ruling.replaceAll('_', ' ')}</b> was ruled on
    ${numbered(ruling.intent_id)} by
    <bdi>${ruling.by}</bdi
    >${ruling.external_id === null ? '' : html`, id <bdi>${ruling.external_id}</bdi>`}
    ${ruling.note === '' ? '' : html`<bdi class="sub why">${ruling.note}</bdi>`}`,
})

export const driftEvents = (drift: DriftRow): readonly Event[] => [
  {
    at: drift.since,
    rank: 7,
    what: html`it differs at <code class="json">${drift.path}</code>: assumed
      ${value(drift.assumed, 'nothing')}, seen ${value(drift.observed, 'nothing')}`,
  },
  ...(drift.resolved_at === null
    ? []
    : [
        {
          at: drift.resolved_at,
          rank: 8,
          what: html`it differs no more at <code class="json">${drift.path}</code>`,
        },
      ]),
]

/** Newest first. */
export const eventTable = (events: readonly Event[]): Html => {
  const sorted = events.toSorted((a, b) => b.at.getTime() - a.at.getTime() || b.rank - a.rank)
  const left = sorted.length - events_max
  return html`${table(
    'What happened',
    [
      { head: 'At (UTC)', look: 'at', cell: (event) => exactly(event.at) },
      { head: 'What', look: 'wide', cell: (event) => event.what },
    ],
    sorted.slice(0, events_max),
  )}
  ${left > 0 ? html`<p class="empty">… and ${left} before: <code>foreword log</code> has them.</p>` : ''}`
}
