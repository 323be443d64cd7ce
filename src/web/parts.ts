/** The parts that pages are made of. */
import type { Json } from '../domain/json.ts'
import { html, jsonText, type Html } from './text.ts'
import { span, type Mood } from './words.ts'

export type { Html } from './text.ts'

/** States and conditions that are no plain progress. */
const moods: Readonly<Record<string, Mood>> = {
  confirmed: 'ok',
  ready: 'ok',
  well: 'ok',
  alive: 'ok',
  applying: 'busy',
  accepted: 'busy',
  applied: 'busy',
  half_open: 'busy',
  in_doubt: 'bad',
  failed: 'bad',
  rejected: 'bad',
  open: 'bad',
  dead: 'bad',
  awaiting_approval: 'warn',
  drifted: 'warn',
  throttled: 'warn',
  strained: 'warn',
}

export const moodOf = (state: string): Mood | 'plain' => moods[state] ?? 'plain'

/** What came of a call: that it was applied is all that a call can do. */
export const outcome = (of: string): Html => pill(of, of === 'applied' ? 'ok' : moodOf(of))

/** A state as a word with a dot before it; colour is never all that tells it. */
export const pill = (state: string, mood: Mood | 'plain' = moodOf(state)): Html =>
  html`<span class="pill ${mood}">${state.replaceAll('_', ' ')}</span>`

/** How long before `now`, with the moment itself for whoever wants it exactly. */
export const when = (at: Date | null, now: Date): Html =>
  at === null
    ? html`<span class="soft">never</span>`
    : html`<time datetime="${at.toISOString()}" title="${at.toISOString()}"
        >${span((now.getTime() - at.getTime()) / 1_000)}</time
      >`

/** `2026-11-22 16:51:26.671`, UTC. */
export const moment = (at: Date): string => at.toISOString().slice(0, 23).replace('T', ' ')

export const exactly = (at: Date | null): Html =>
  at === null
    ? html`<span class="soft">never</span>`
    : html`<time datetime="${at.toISOString()}">${moment(at)}</time>`

export interface Key {
  readonly scope: string
  readonly kind: string
  readonly name: string
}

/** A place on this page; what is empty is left away. */
export const linkTo = (path: string, query: Readonly<Record<string, string | number>>): string => {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const text = new URLSearchParams(
    given.map(([key, value]): [string, string] => [key, String(value)]),
  ).toString()
  return text === '' ? path : `${path}?${text}`
}

const resourceLink = ({ scope, kind, name }: Key): string =>
  linkTo('/resource', { scope, kind, name })

export const intentLink = (id: number): string => linkTo('/intent', { id })

export const decisionLink = (id: string): string => linkTo('/decision', { id })

/** `kind/name` with its scope below. `bdi`: a name written right to left must not reorder the row. */
export const named = (of: Key): Html =>
  html`<a class="name" href="${resourceLink(of)}"
      ><span class="soft">${of.kind}/</span><bdi>${of.name}</bdi></a
    ><bdi class="sub">${of.scope}</bdi>`

/** `#12` as a link to the intent. */
export const numbered = (id: number): Html => html`<a href="${intentLink(id)}">#${id}</a>`

export const why = (reason: string | null): Html | string =>
  reason === null || reason === '' ? '' : html`<bdi class="sub why">${reason}</bdi>`

/** A state as its provider or its owner wrote it; null has a word of its own. */
export const value = (of: Json, none = 'absent'): Html => {
  if (of === null) return html`<span class="soft">${none}</span>`
  const text = jsonText(of)
  return text.includes('\n') ? html`<pre>${text}</pre>` : html`<code class="json">${text}</code>`
}

export type Fact = readonly [name: string, says: Html | string]

/** What is known of one thing, line by line. */
export const facts = (of: readonly Fact[]): Html =>
  html`<dl class="facts">
    ${of.map(
      ([name, says]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${says}</dd>
        </div>`,
    )}
  </dl>`

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => Html | string
  /** `number`: to the right. `extra`: left out on narrow screens. `at`: a moment; `half`: two of a size. */
  readonly look?: 'number' | 'extra' | 'wide' | 'half' | 'at'
}

/** Rows in columns; it scrolls by itself where it is too wide, also by the keyboard. */
export const table = <Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  rowLook: (row: Row) => string = () => '',
): Html =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">
    <table>
      <thead>
        <tr>
          ${columns.map((c) => html`<th scope="col" class="${c.look ?? ''}">${c.head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr class="${rowLook(row)}">
              ${columns.map((c) => html`<td class="${c.look ?? ''}">${c.cell(row)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`

/** A section with a table, or with a sentence where there is nothing to show. */
export const section = <Row>(
  of: {
    readonly id: string
    readonly title: string
    readonly empty: Html | string
    readonly columns: readonly Column<Row>[]
    readonly after?: Html | string
  },
  rows: readonly Row[],
): Html =>
  html`<section id="${of.id}">
    <h2>${of.title}</h2>
    ${
      rows.length === 0 ? html`<p class="empty">${of.empty}</p>` : table(of.title, of.columns, rows)
    }
    ${of.after ?? ''}
  </section>`

/** A section of anything. */
export const card = (id: string, title: string, content: Html | readonly Html[]): Html =>
  html`<section id="${id}">
    <h2>${title}</h2>
    <div class="inside">${content}</div>
  </section>`

/** The head of a page: what it is about, in a sentence or two. */
export const headOf = (of: {
  readonly mood: Mood | 'plain'
  readonly says: Html | string
  readonly then: Html | string
  readonly taken_at: Date | null
}): Html =>
  html`<section id="verdict" class="verdict ${of.mood}">
    <h1>${of.says}</h1>
    <p>${of.then}</p>
    ${
      of.taken_at === null
        ? ''
        : html`<p class="asof">
            as of <time>${of.taken_at.toISOString().slice(11, 19)}</time> UTC
          </p>`
    }
  </section>`
