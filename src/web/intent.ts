/** One intent: how it stands, its calls with what came back, what it waits for, and what a person may say. */
import type { IntentStory } from '../domain/web-story-ports.ts'
import { evidence, wouldBe } from './doubts.ts'
import { attemptEvent, entryEvents, eventTable, rulingEvent } from './events.ts'
import {
  card,
  decisionLink,
  exactly,
  facts,
  headOf,
  moodOf,
  named,
  outcome,
  section,
  value,
  pill,
  type Fact,
  type Html,
} from './parts.ts'
import { waitsSection } from './resource.ts'
import { choiceOf, rulingForm, type Said } from './ruling-form.ts'
import { html } from './text.ts'
import { millis } from './words.ts'

const nextOf = ({ intent, waits }: IntentStory): string => {
  if (intent.settled_at !== null) return 'nothing is owed any more'
  if (waits.some((wait) => wait.intent.id === intent.id)) return 'waits until another is through'
  if (intent.due_at !== null)
    return `somebody looks at it at ${intent.due_at.toISOString().slice(11, 19)} UTC`
  return 'waits for a person, or for another intent'
}

const factsOf = (story: IntentStory): Html => {
  const { intent, attempts, state_before } = story
  const key = attempts[0]?.idempotency_key
  const of: readonly Fact[] = [
    ['Resource', named(intent)],
    ['Makes', html`version ${intent.version}: ${wouldBe(state_before, intent.state_after)}`],
    [
      'Decided',
      html`${exactly(intent.recorded_at)} by
        <a href="${decisionLink(intent.decision_id)}"
          ><bdi>${intent.decider}</bdi> v${intent.decider_version}</a
        >`,
    ],
    ...(intent.actor === ''
      ? []
      : ([['For', html`<bdi>${intent.actor}</bdi>`]] satisfies readonly Fact[])),
    ...(intent.decided_because === ''
      ? []
      : ([['Because', html`<bdi>${intent.decided_because}</bdi>`]] satisfies readonly Fact[])),
    ...(key === undefined
      ? []
      : ([['Key', html`<code class="json">${key}</code>`]] satisfies readonly Fact[])),
    [
      'Settled',
      intent.settled_at === null
        ? html`<span class="soft">open</span>`
        : exactly(intent.settled_at),
    ],
    ['Next', nextOf(story)],
  ]
  return card('facts', 'Known of it', facts(of))
}

const calls = ({ attempts }: IntentStory): Html =>
  section(
    {
      id: 'calls',
      title: 'Calls',
      empty: 'It was never called for.',
      columns: [
        { head: 'Call', look: 'number', cell: (a) => String(a.number) },
        { head: 'Began (UTC)', look: 'at', cell: (a) => exactly(a.started_at) },
        {
          head: 'Took',
          look: 'number',
          cell: (a) =>
            a.ended_at === null
              ? html`<span class="soft">under way</span>`
              : millis(a.ended_at.getTime() - a.started_at.getTime()),
        },
        {
          head: 'Outcome',
          cell: (a) =>
            a.outcome === null ? html`<span class="soft">none yet</span>` : outcome(a.outcome),
        },
        {
          head: 'Came back',
          look: 'wide',
          cell: (a) =>
            html`${a.error === null ? '' : html`<bdi>${a.error}</bdi>`}
            ${a.response === null ? '' : value(a.response)}`,
        },
        { head: 'Worker', look: 'extra', cell: (a) => String(a.worker) },
      ],
    },
    attempts,
  )

const ruling = (story: IntentStory, person: string, said: Said | undefined): Html | string => {
  const { intent, attempts, doubt, taken_at } = story
  const calls = Math.max(0, ...attempts.map((attempt) => attempt.number))
  const choice = choiceOf(intent.state, calls)
  if (intent.settled_at !== null || choice === null) {
    return said === undefined
      ? ''
      : html`<section id="rule" class="panel">
          <p class="problem" role="alert"><b>${said.problem}.</b> ${said.remedy}</p>
        </section>`
  }
  const title = { doubt: 'In doubt', approval: 'Waits for approval', pending: 'Not begun' }[choice]
  return html`<section class="panel">
    <h2>${title}</h2>
    <div class="inside ${doubt === null ? '' : 'twosome'}">
      ${doubt === null ? '' : html`<div id="evidence">${evidence(doubt, taken_at)}</div>`}
      ${rulingForm({ intent: intent.id, name: intent.name, attempts: calls, choice, person, said, open: choice !== 'pending' })}
    </div>
  </section>`
}

/** `ruled`: what somebody has just said here. */
export const intentMain = (
  story: IntentStory,
  person: string,
  of: { readonly said?: Said | undefined; readonly ruled?: string | undefined } = {},
): Html => {
  const { intent, attempts, rulings } = story
  const events = [
    ...entryEvents(intent),
    ...attempts.map(attemptEvent),
    ...rulings.map(rulingEvent),
  ]
  return html`${headOf({
      mood: moodOf(intent.state),
      says: html`#${intent.id} <bdi>${intent.verb}</bdi> <span class="soft">${intent.kind}/</span
        ><bdi>${intent.name}</bdi>`,
      then: html`${pill(intent.state)}
      ${intent.reason === null ? '' : html`<bdi>${intent.reason}</bdi>`}`,
      taken_at: story.taken_at,
    })}
    ${of.ruled === undefined ? '' : html`<p id="ruled" class="done" role="status">◆ Recorded: <b>${of.ruled.replaceAll('_', ' ')}</b>.</p>`}
    ${ruling(story, person, of.said)}
    <div class="columns">
      <div>
        ${calls(story)}
        <section id="events">
          <h2>What happened</h2>
          ${eventTable(events)}
        </section>
      </div>
      <div>${factsOf(story)} ${waitsSection(story.waits)}</div>
    </div>`
}
