/** What waits for a person: doubts with their evidence, approvals, and what was ruled last. */
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import { renderDiff } from '../domain/diff.ts'
import type { ApprovalRow, DoubtRow, Parked } from '../domain/web-story-ports.ts'
import {
  card,
  decisionLink,
  exactly,
  facts,
  headOf,
  intentLink,
  named,
  numbered,
  pill,
  section,
  value,
  when,
  type Fact,
  type Html,
} from './parts.ts'
import { rulingForm } from './ruling-form.ts'
import { html } from './text.ts'
import { count, counted } from './words.ts'

const dateOf = (of: Json | undefined): Date | null => {
  const at = typeof of === 'string' ? new Date(of) : null
  return at === null || Number.isNaN(at.getTime()) ? null : at
}

const textOf = (of: Json | undefined): string =>
  typeof of === 'string' ? of : of === undefined || of === null ? '' : JSON.stringify(of)

const member = (of: JsonObject, key: string): Json => of[key] ?? null

/** What was sent, what came back, what a look shows now. */
export const evidence = (doubt: DoubtRow, now: Date): Html => {
  const { sent, lookup, answered, reason, blocks, verb } = doubt
  const before = member(sent, 'before')
  const state = member(sent, 'state')
  const external_id = textOf(lookup['external_id'])
  const of: readonly Fact[] = [
    [
      'Sent',
      html`<bdi>${verb}</bdi> ${verb === 'delete' ? 'of' : ''}
        ${value(verb === 'delete' ? before : state)}`,
    ],
    ...(before === null || verb === 'delete'
      ? []
      : ([['Before', value(before)]] satisfies readonly Fact[])),
    [
      'In',
      html`call ${textOf(sent['attempt'])} at ${exactly(dateOf(sent['at']))}, key
        <code class="json">${textOf(sent['idempotency_key'])}</code>`,
    ],
    [
      'Came back',
      answered === null ? html`<span class="soft">nothing</span>` : html`<bdi>${answered}</bdi>`,
    ],
    ...(reason === null || reason === answered
      ? []
      : ([['Because', html`<bdi>${reason}</bdi>`]] satisfies readonly Fact[])),
    [
      'A look shows',
      dateOf(lookup['observed_at']) === null
        ? html`<span class="soft">it was never looked at</span>`
        : html`${value(member(lookup, 'observed'))}
            <span class="sub"
              >at
              ${exactly(dateOf(lookup['observed_at']))}${external_id === '' ? '' : html`, id <bdi>${external_id}</bdi>`}</span
            >`,
    ],
    [
      'Now',
      doubt.waits_for_a_person
        ? 'waits for you: nothing looks at it any more'
        : html`foreword looks itself: ${textOf(lookup['looks'])} looks so far, the next at
          ${exactly(dateOf(lookup['next_at']))}`,
    ],
    [
      'Holds up',
      blocks === 0
        ? 'nothing else'
        : html`<a href="${intentLink(doubt.intent_id)}">${counted(blocks, 'other intent')}</a>`,
    ],
  ]
  return html`${facts(of)}
    <p class="asof">since ${when(doubt.since, now)}</p>`
}

const doubtCard = (doubt: DoubtRow, { taken_at }: Parked, person: string): Html =>
  html`<article class="parked ${doubt.waits_for_a_person ? 'bad' : 'busy'}">
    <div id="doubt-${doubt.intent_id}">
      <h3>${numbered(doubt.intent_id)} <bdi>${doubt.question}</bdi></h3>
      <p>${named(doubt)}</p>
      ${evidence(doubt, taken_at)}
    </div>
    ${rulingForm({ intent: doubt.intent_id, name: doubt.name, attempts: doubt.attempts, choice: 'doubt', person })}
  </article>`

/** What an intent would make of its resource, path by path where there is something already. */
export const wouldBe = (before: Json, after: Json): Html => {
  if (after === null) return html`gone; it is ${value(before)}`
  if (!isJsonObject(before)) return value(after)
  const changes = renderDiff(before, after)
  if (changes.length === 0) return html`${value(after)}, as it is`
  return html`<ul class="changes">
    ${changes.map(
      (change) =>
        html`<li>
          <code class="json">${change.path === '' ? '(all)' : change.path}</code>:
          ${value(change.before ?? null, 'nothing')} → ${value(change.after ?? null, 'nothing')}
        </li>`,
    )}
  </ul>`
}

const approvalCard = (approval: ApprovalRow, { taken_at }: Parked, person: string): Html => {
  const { intent_id, verb, decider, actor, decided_because } = approval
  const who = actor === '' ? '' : html` for <bdi>${actor}</bdi>`
  const because = decided_because === '' ? '' : html`: <bdi>${decided_because}</bdi>`
  return html`<article class="parked warn">
    <div id="approval-${intent_id}">
      <h3>${numbered(intent_id)} May <bdi>${verb}</bdi> be done?</h3>
      <p>${named(approval)}</p>
      ${facts([
        ['Would be', wouldBe(approval.state_before, approval.state_after)],
        [
          'Decided',
          html`by <a href="${decisionLink(approval.decision_id)}"><bdi>${decider}</bdi></a
            >${who}${because}`,
        ],
      ])}
      <p class="asof">since ${when(approval.since, taken_at)}</p>
    </div>
    ${rulingForm({ intent: intent_id, name: approval.name, attempts: approval.attempts, choice: 'approval', person })}
  </article>`
}

const more = (left: number, what: string): Html | string =>
  left === 0
    ? ''
    : html`<p class="empty">
        … and ${count(left)} more, once these are ruled on: ${what} has all.
      </p>`

const rulings = ({ rulings: rows, taken_at }: Parked): Html =>
  section(
    {
      id: 'rulings',
      title: 'Ruled last',
      empty: 'Nobody ever had to rule.',
      columns: [
        { head: 'Ruling', look: 'at', cell: (r) => html`◆ ${r.ruling.replaceAll('_', ' ')}` },
        {
          head: 'Intent',
          look: 'wide',
          cell: (r) =>
            html`${numbered(r.intent_id)} <bdi>${r.verb}</bdi> ${named(r)}<bdi class="sub why"
                >${r.note}</bdi
              >`,
        },
        { head: 'By', cell: (r) => html`<bdi>${r.by}</bdi>` },
        { head: 'Ago', look: 'number', cell: (r) => when(r.at, taken_at) },
      ],
    },
    rows,
  )

/** Without an id: the cards change one by one, so that a form stays while somebody writes in it. */
const group = (title: string, content: readonly Html[]): Html =>
  html`<section>
    <h2>${title}</h2>
    <div class="inside">${content}</div>
  </section>`

/** In one sentence. */
const says = ({ doubts, approvals }: Parked): string => {
  const waiting = doubts.filter((doubt) => doubt.waits_for_a_person).length
  const total = waiting + approvals.length
  if (total > 0) return `${counted(total, 'intent')} ${total === 1 ? 'waits' : 'wait'} for you`
  return doubts.length === 0 ? 'Nothing waits for you' : 'Doubts are being looked up'
}

export const doubtsMain = (parked: Parked, person: string): Html => {
  const { doubts, approvals, taken_at } = parked
  const calm = doubts.length + approvals.length === 0
  return html`${headOf({
      mood: calm ? 'ok' : doubts.length > 0 ? 'bad' : 'warn',
      says: says(parked),
      then: calm
        ? 'A call whose outcome nobody knows, and an intent that a policy holds back, would stand here.'
        : 'What depends on them waits too; the rest goes on. Look at the API first, then say what became of it.',
      taken_at,
    })}
    <div class="columns">
      <div>
        ${
          doubts.length === 0
            ? ''
            : group(`Doubts (${count(doubts.length + parked.doubts_left)})`, [
                ...doubts.map((doubt) => doubtCard(doubt, parked, person)),
                html`${more(parked.doubts_left, 'foreword.doubt')}`,
              ])
        }
        ${
          approvals.length === 0
            ? ''
            : group(`Approvals (${count(approvals.length + parked.approvals_left)})`, [
                ...approvals.map((approval) => approvalCard(approval, parked, person)),
                html`${more(parked.approvals_left, 'foreword.intent')}`,
              ])
        }
        ${
          calm
            ? card(
                'doubts',
                'Doubts and approvals',
                html`${pill('ready')} None. What is looked up by foreword itself never comes here.`,
              )
            : ''
        }
      </div>
      <div>${rulings(parked)}</div>
    </div>`
}
