/** One decision: who decided, on what, and what came of it. */
import type { DecisionStory } from '../domain/web-story-ports.ts'
import {
  card,
  decisionLink,
  exactly,
  facts,
  headOf,
  named,
  numbered,
  pill,
  section,
  value,
  why,
  type Fact,
  type Html,
} from './parts.ts'
import { html } from './text.ts'
import { count, counted } from './words.ts'

type Premise = DecisionStory['premises'][number]

const premiseText = ({ scope, kind, name, version, predicate }: Premise): Html => {
  if (predicate !== null) return html`<bdi>${predicate}</bdi><bdi class="sub">${scope}</bdi>`
  const at = version === 0 ? 'did not exist' : html`at version ${version}`
  return html`${named({ scope, kind: kind ?? '', name: name ?? '' })} ${at}`
}

const premises = ({ premises: rows, decision }: DecisionStory): Html =>
  section(
    {
      id: 'premises',
      title: `Relied on (${count(decision.premises)})`,
      empty: 'It relied on nothing.',
      columns: [
        { head: 'Fact', look: 'wide', cell: premiseText },
        {
          head: 'Still so',
          cell: (p) =>
            p.holds === null
              ? html`<span class="soft">unknown</span>`
              : p.holds
                ? 'yes'
                : html`<span class="soft">moved since</span>`,
        },
      ],
      after:
        decision.premises > rows.length
          ? html`<p class="empty">
              … and ${count(decision.premises - rows.length)} more: foreword.premise has all.
            </p>`
          : '',
    },
    rows,
  )

const intents = ({ intents: rows, decision }: DecisionStory): Html =>
  section(
    {
      id: 'intents',
      title: `Intents (${count(decision.intents)})`,
      empty: 'It intended nothing that would call for an effect.',
      columns: [
        { head: 'Id', cell: (i) => numbered(i.id) },
        { head: 'State', cell: (i) => pill(i.state) },
        {
          head: 'Intent',
          look: 'wide',
          cell: (i) => html`<bdi>${i.verb}</bdi> ${named(i)}${why(i.reason)}`,
        },
        { head: 'Calls', look: 'number', cell: (i) => count(i.attempts) },
      ],
    },
    rows,
  )

const factsOf = ({ decision: d }: DecisionStory): Html => {
  const of: readonly Fact[] = [
    ['Scope', html`<bdi>${d.scope}</bdi>`],
    ['Decider', html`<bdi>${d.decider}</bdi> v${d.decider_version}`],
    [
      'For',
      d.actor === '' ? html`<span class="soft">nobody named</span>` : html`<bdi>${d.actor}</bdi>`,
    ],
    [
      'Because',
      d.reason === ''
        ? html`<span class="soft">no reason given</span>`
        : html`<bdi>${d.reason}</bdi>`,
    ],
    ['Decided', exactly(d.decided_at)],
    [
      'Tries',
      d.tries === 1 ? '1: nobody was in the way' : html`${count(d.tries)}: somebody else was first`,
    ],
    [
      'Certified',
      d.certified
        ? 'yes, it is serializable'
        : html`<span class="soft">not yet, or never needed</span>`,
    ],
    ['Loses a part', d.compensation.replaceAll('_', ' ')],
    ...(d.input === null ? [] : ([['Input', value(d.input, 'none')]] satisfies readonly Fact[])),
    ...(d.decided_again === null
      ? []
      : ([['Decided again', d.decided_again.replaceAll('_', ' ')]] satisfies readonly Fact[])),
    ...(d.instead_of === null
      ? []
      : ([
          [
            'Instead of',
            html`<a href="${decisionLink(d.instead_of)}"
              ><code class="json">${d.instead_of}</code></a
            >`,
          ],
        ] satisfies readonly Fact[])),
    ['Id', html`<code class="json">${d.id}</code>`],
  ]
  return card('facts', 'Known of it', facts(of))
}

export const decisionMain = (story: DecisionStory): Html => {
  const { decision } = story
  return html`${headOf({
      mood: decision.decided_again === null ? 'plain' : 'warn',
      says: html`Decision of <bdi>${decision.decider}</bdi>`,
      then: html`${counted(decision.intents, 'intent')} from ${counted(decision.premises, 'fact')}.
      ${decision.reason === '' ? '' : html`<bdi>${decision.reason}</bdi>`}`,
      taken_at: story.taken_at,
    })}
    <div class="columns">
      <div>${intents(story)} ${premises(story)}</div>
      <div>${factsOf(story)}</div>
    </div>`
}
