/** One resource: its states side by side, what happened to it, its outputs, what waits on what. */
import type { ResourceStory, WaitRow } from '../domain/web-story-ports.ts'
import { compare } from './compare.ts'
import { attemptEvent, driftEvents, entryEvents, eventTable, rulingEvent } from './events.ts'
import {
  card,
  exactly,
  facts,
  headOf,
  linkTo,
  moodOf,
  named,
  numbered,
  pill,
  section,
  value,
  type Html,
} from './parts.ts'
import { html } from './text.ts'
import { timeline } from './timeline.ts'
import { span } from './words.ts'

const whyText: Readonly<Record<string, string>> = {
  version: 'for an earlier version of the same resource',
  needs: 'which it needs',
  order: 'whose decision comes first',
}

/** Who waits for whom. */
export const waitsSection = (waits: readonly WaitRow[]): Html =>
  section(
    {
      id: 'waits',
      title: 'What waits on what',
      empty: 'Nothing of it waits, and nothing waits for it.',
      columns: [
        {
          head: 'Intent',
          look: 'half',
          cell: ({ intent }) =>
            html`${numbered(intent.id)} <bdi>${intent.verb}</bdi> ${named(intent)}`,
        },
        {
          head: 'Waits for',
          look: 'half',
          cell: ({ waits_for: first, why }) =>
            html`${numbered(first.id)} <bdi>${first.verb}</bdi> ${named(first)} ${pill(first.state)}
              <span class="sub">${whyText[why] ?? why}</span>`,
        },
      ],
    },
    waits,
  )

const then = ({ resource, taken_at }: ResourceStory): Html => {
  const age = span((taken_at.getTime() - resource.since.getTime()) / 1_000)
  return html`${pill(resource.condition)} for
  ${age}${resource.in_sync ? ', in sync' : ''}${
    resource.reason === null ? '' : html`: <bdi>${resource.reason}</bdi>`
  }`
}

const factsOf = ({ resource }: ResourceStory): Html => {
  const labels = Object.entries(resource.labels)
  return card('facts', 'Known of it', [
    facts([
      [
        'Scope',
        html`<a href="${linkTo('/resources', { scope: resource.scope })}"
          ><bdi>${resource.scope}</bdi></a
        >`,
      ],
      [
        'Kind',
        html`<a href="${linkTo('/resources', { scope: resource.scope, kind: resource.kind })}"
          ><bdi>${resource.kind}</bdi></a
        >`,
      ],
      ['Version', String(resource.version)],
      [
        'Labels',
        labels.length === 0
          ? html`<span class="soft">none</span>`
          : html`${labels.map(
              ([key, text]) =>
                html`<a
                  class="tag"
                  href="${linkTo('/resources', { scope: resource.scope, label: `${key}=${text}` })}"
                  ><bdi>${key}=${text}</bdi></a
                > `,
            )}`,
      ],
      [
        'External id',
        resource.external_id === null
          ? html`<span class="soft">none yet</span>`
          : html`<code class="json">${resource.external_id}</code>`,
      ],
      ['Last look', exactly(resource.observed_at)],
      [
        'Outputs',
        Object.keys(resource.outputs).length === 0
          ? html`<span class="soft">none</span>`
          : value(resource.outputs),
      ],
    ]),
  ])
}

export const resourceMain = (story: ResourceStory): Html => {
  const { resource, entries, attempts, rulings, drifts } = story
  const events = [
    ...entries.flatMap(entryEvents),
    ...attempts.map(attemptEvent),
    ...rulings.map(rulingEvent),
    ...drifts.flatMap(driftEvents),
  ]
  return html`${headOf({
      mood: moodOf(resource.condition),
      says: html`<span class="soft">${resource.kind}/</span><bdi>${resource.name}</bdi>`,
      then: then(story),
      taken_at: story.taken_at,
    })}
    ${compare(
      resource,
      drifts.filter((drift) => drift.resolved_at === null).map((drift) => drift.path),
      resource.observed_at !== null,
    )}
    <section id="timeline" class="panel">
      <h2>Timeline</h2>
      ${timeline(story)}
    </section>
    <div class="columns">
      <div>
        <section id="events">
          <h2>What happened</h2>
          ${events.length === 0 ? html`<p class="empty">Nothing yet.</p>` : eventTable(events)}
        </section>
      </div>
      <div>${factsOf(story)} ${waitsSection(story.waits)}</div>
    </div>`
}
