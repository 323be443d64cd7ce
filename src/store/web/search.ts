/** The page's list of resources. */
import type { Found, FoundRow, Search } from '../../domain/web-story-ports.ts'
import type { TransactionSql } from '../connect.ts'
import { takenAt } from './session.ts'

/** Resources on one page. */
export const page_rows = 50
const places_max = 300

type Row = FoundRow & { readonly found: boolean }

const given = (text: string): string | null => (text === '' ? null : text)

const readRows = (tx: TransactionSql, of: Search) => {
  const after = of.after === null ? null : [of.after.scope, of.after.kind, of.after.name]
  return tx<Row[]>`
    select s.scope, s.kind, s.name, s.labels, s.version, s.in_sync, s.condition, s.reason, s.since, s.found
    from foreword.search(
      ${given(of.scope)},
      ${given(of.kind)},
      ${given(of.name)},
      ${given(of.label)},
      ${given(of.value)},
      ${given(of.condition)},
      ${after}::text[],
      ${page_rows + 1}
    ) s`
}

const readPlaces = (tx: TransactionSql) => tx<{ scope: string; kind: string }[]>`
  select k.scope, k.kind
  from foreword.kinds() k
  limit ${places_max}`

export const readSearch = async (tx: TransactionSql, of: Search): Promise<Found> => {
  const [taken_at, rows, places] = await Promise.all([
    takenAt(tx),
    readRows(tx, of),
    readPlaces(tx),
  ])
  const last = rows.at(-1)
  const tired = last?.found === false
  const more = rows.length > page_rows
  const shown = rows.filter((row) => row.found).slice(0, page_rows)
  const place = tired ? last : more ? shown.at(-1) : undefined
  return {
    taken_at,
    rows: shown,
    next: place === undefined ? null : { scope: place.scope, kind: place.kind, name: place.name },
    tired,
    scopes: [...new Set(places.map((p) => p.scope))],
    kinds: [...new Set(places.map((p) => p.kind))].toSorted(),
  }
}
