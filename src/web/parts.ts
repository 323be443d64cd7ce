/** The parts that sections are made of. Every name and reason comes from outside and is escaped by `html`. */
import { html } from 'hono/html'
import type { Mood } from './words.ts'
import { span } from './words.ts'

/** What `html` returns: escaped already. It is awaited once, where the document is sent. */
export type Html = ReturnType<typeof html>

/** States and conditions that are no plain progress. */
const moods: Readonly<Record<string, Mood>> = {
  confirmed: 'ok',
  ready: 'ok',
  applying: 'busy',
  accepted: 'busy',
  applied: 'busy',
  in_doubt: 'bad',
  failed: 'bad',
  rejected: 'bad',
  awaiting_approval: 'warn',
  drifted: 'warn',
}

/** A state as a word with a dot before it; colour is never all that tells it. */
export const pill = (state: string): Html =>
  html`<span class="pill ${moods[state] ?? 'plain'}">${state.replaceAll('_', ' ')}</span>`

/** How long before `now`, with the moment itself for whoever wants it exactly. */
export const when = (at: Date | null, now: Date): Html =>
  at === null
    ? html`<span class="soft">never</span>`
    : html`<time datetime="${at.toISOString()}" title="${at.toISOString()}"
        >${span((now.getTime() - at.getTime()) / 1_000)}</time
      >`

/** `kind/name` with its scope below. `bdi`: a name written right to left must not reorder the row. */
export const named = (of: {
  readonly scope: string
  readonly kind: string
  readonly name: string
}): Html =>
  html`<span class="name"><span class="soft">${of.kind}/</span><bdi>${of.name}</bdi></span
    ><bdi class="sub">${of.scope}</bdi>`

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => Html | string
  /** `number`: to the right. `extra`: left out on narrow screens. */
  readonly look?: 'number' | 'extra' | 'wide'
}

/** A section with a table, or with a sentence where there is nothing to show. */
export const section = <Row>(
  of: {
    readonly id: string
    readonly title: string
    readonly empty: string
    readonly columns: readonly Column<Row>[]
  },
  rows: readonly Row[],
): Html =>
  html`<section id="${of.id}">
    <h2>${of.title}</h2>
    ${
      rows.length === 0
        ? html`<p class="empty">${of.empty}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="${of.title}">
            <table>
              <thead>
                <tr>
                  ${of.columns.map((c) => html`<th scope="col" class="${c.look ?? ''}">${c.head}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${rows.map(
                  (row) =>
                    html`<tr>
                      ${of.columns.map((c) => html`<td class="${c.look ?? ''}">${c.cell(row)}</td>`)}
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`
