/** The list of resources, with what a person may look for. */
import type { Found, FoundRow, Search } from '../domain/web-story-ports.ts'
import { headOf, linkTo, named, pill, table, when, why, type Html } from './parts.ts'
import { html, storable } from './text.ts'
import { count } from './words.ts'

/** Of the field `condition`, in the order in which people look for them. */
const conditions: readonly (readonly [value: string, text: string])[] = [
  ['', 'any'],
  ['out_of_sync', 'not in sync'],
  ['open', 'under way'],
  ['in_doubt', 'in doubt'],
  ['awaiting_approval', 'awaiting approval'],
  ['drifted', 'drifted'],
  ['rejected', 'rejected'],
  ['failed', 'failed'],
  ['pending', 'pending'],
  ['applying', 'applying'],
  ['applied', 'applied, to be confirmed'],
  ['absent', 'absent'],
  ['ready', 'ready'],
]

const text_max = 512

/** What the address asks for; whatever it does not say is anything. */
export const searchOf = (query: URLSearchParams): Search => {
  const of = (name: string): string =>
    storable(query.get(name) ?? '')
      .trim()
      .slice(0, text_max)
  const [label = '', ...value] = of('label').split('=')
  const after = query.getAll('after').map(storable)
  const [scope, kind, name] = after
  return {
    scope: of('scope'),
    kind: of('kind'),
    name: of('name'),
    label: label.trim(),
    value: value.join('=').trim(),
    condition: conditions.some(([known]) => known === of('condition')) ? of('condition') : '',
    after:
      scope === undefined || kind === undefined || name === undefined || after.length > 3
        ? null
        : { scope, kind, name },
  }
}

const labelText = ({ label, value }: Search): string => (value === '' ? label : `${label}=${value}`)

const addressOf = (search: Search, after: Search['after']): string => {
  const { scope, kind, name, condition } = search
  const here = linkTo('/resources', { scope, kind, name, label: labelText(search), condition })
  if (after === null) return here
  const place = [after.scope, after.kind, after.name].map((part): [string, string] => [
    'after',
    part,
  ])
  return `${here}${here.includes('?') ? '&' : '?'}${new URLSearchParams(place).toString()}`
}

const field = (
  of: {
    readonly name: string
    readonly label: string
    readonly hint: string
    readonly value: string
  },
  list: readonly string[] = [],
): Html =>
  html`<label class="field"
    ><span>${of.label}</span
    ><input
      name="${of.name}"
      value="${of.value}"
      placeholder="${of.hint}"
      maxlength="${text_max}"
      autocomplete="off"
      spellcheck="false"
      list="${list.length === 0 ? '' : `known-${of.name}`}"
    />${
      list.length === 0
        ? ''
        : html`<datalist id="known-${of.name}">
            ${list.map((one) => html`<option value="${one}"></option>`)}
          </datalist>`
    }</label
  >`

const form = (search: Search, found: Found): Html =>
  html`<form id="search" class="search" method="get" action="/resources" role="search">
    ${field({ name: 'name', label: 'Name', hint: 'web- or *web*', value: search.name })}
    ${field({ name: 'scope', label: 'Scope', hint: 'any', value: search.scope }, found.scopes)}
    ${field({ name: 'kind', label: 'Kind', hint: 'any', value: search.kind }, found.kinds)}
    ${field({ name: 'label', label: 'Label', hint: 'role=web', value: labelText(search) })}
    <label class="field"
      ><span>Condition</span
      ><select name="condition">
        ${conditions.map(
          ([value, text]) =>
            html`<option value="${value}" ${value === search.condition ? 'selected' : ''}>
              ${text}
            </option>`,
        )}
      </select></label
    >
    <button type="submit">Search</button>
  </form>`

const labelsText = ({ labels }: FoundRow): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')

const rowsTable = ({ rows, taken_at }: Found): Html =>
  table(
    'Resources',
    [
      { head: 'Condition', cell: (r) => pill(r.condition) },
      { head: 'Resource', look: 'wide', cell: (r) => html`${named(r)}${why(r.reason)}` },
      { head: 'Labels', look: 'extra', cell: (r) => html`<bdi>${labelsText(r)}</bdi>` },
      { head: 'Version', look: 'number', cell: (r) => count(r.version) },
      {
        head: 'In sync',
        look: 'extra',
        cell: (r) => (r.in_sync ? 'yes' : html`<span class="soft">no</span>`),
      },
      { head: 'For', look: 'number', cell: (r) => when(r.since, taken_at) },
    ],
    rows,
  )

const isOpen = (search: Search): boolean =>
  [search.scope, search.kind, search.name, search.label, search.condition].every((of) => of === '')

/** What to do where nothing was found. */
const nothing = (search: Search, found: Found): Html => {
  if (found.tired) return html`<p class="empty">Nothing up to here.</p>`
  if (search.after !== null) return html`<p class="empty">There are no more.</p>`
  if (isOpen(search)) {
    return html`<p class="empty">
      No resource is known yet. Ask for one: <code>foreword apply -f stack.yaml</code>, or in SQL
      <code>select foreword.want(…)</code>.
    </p>`
  }
  const anywhere = { ...search, name: `*${search.name}*` }
  return html`<p class="empty">
    Nothing is like that.
    ${
      search.name !== '' && !search.name.includes('*')
        ? html`Names that begin with it were looked for:
            <a href="${addressOf(anywhere, null)}">look anywhere in the names</a>.`
        : ''
    }
    <a href="/resources">Show everything</a>.
  </p>`
}

const pager = (search: Search, { next, tired, rows }: Found): Html =>
  html`<nav class="pager" aria-label="Pages of the list">
    ${search.after === null ? '' : html`<a href="${addressOf(search, null)}">First page</a>`}
    ${next === null ? '' : html`<a rel="next" href="${addressOf(search, next)}">${tired ? 'Search on' : 'Next page'}</a>`}
    <span class="soft"
      >${
        next !== null && tired
          ? html`${count(rows.length)} found up to <bdi>${next.kind}/${next.name}</bdi> in
              <bdi>${next.scope}</bdi>; the search goes on from there.`
          : html`${count(rows.length)} on this page, by scope, kind and name.`
      }</span
    >
  </nav>`

export const resourcesMain = (search: Search, found: Found): Html =>
  html`${headOf({
      mood: 'plain',
      says: 'Resources',
      then: 'What is asked for, assumed and observed of each: open one to see it.',
      taken_at: found.taken_at,
    })}
    ${form(search, found)}
    <section id="found" class="panel">
      <h2>${isOpen(search) ? 'All' : 'Found'}</h2>
      ${found.rows.length === 0 ? nothing(search, found) : rowsTable(found)} ${pager(search, found)}
    </section>`
