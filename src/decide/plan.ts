/** Reads as data to one plan, and the plan's answers back to the facts and premises they stand for. */
import { createHash } from 'node:crypto'
import type { Assumed, Query, Reads } from '../domain/decider.ts'
import type { JsonObject } from '../domain/json.ts'
import type { ReadPlan, Readings, ResourceName, StateRow } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'

const query_types: ReadonlySet<unknown> = new Set(['get', 'get_all', 'find', 'counter'])

/** Whether something that a decider returned among its reads is one. */
export const isQuery = (value: unknown): value is Query<unknown> =>
  typeof value === 'object' && value !== null && 'type' in value && query_types.has(value.type)

/** Collects all reads of a decider, each resource once, so that they travel together. */
export const planOf = (reads: Reads, scope: string): ReadPlan => {
  const queries = Object.values(reads)
  const resources = new Map<string, ResourceName>()
  for (const q of queries) {
    if (q.type !== 'get' && q.type !== 'get_all') continue
    const names = q.type === 'get' ? [q.name] : q.names
    for (const name of names) {
      const at = { scope: q.scope ?? scope, kind: q.kind, name }
      resources.set(resourceId(at.scope, at.kind, at.name), at)
    }
  }
  return {
    resources: [...resources.values()],
    finds: queries.flatMap((q) => {
      if (q.type !== 'find') return []
      const { kind, labels, max } = q
      const [label, value] = Object.entries(labels)[0] ?? ['', '']
      return [{ scope: q.scope ?? scope, kind, labels, label, value, max }]
    }),
    counters: queries.flatMap((q) =>
      q.type === 'counter' ? [{ scope: q.scope ?? scope, metric: q.metric }] : [],
    ),
  }
}

/** A predicate that matches more than the decider bounded itself to: ask narrower. */
export class TooManyRows extends Error {
  override readonly name = 'TooManyRows'
}

const carries = (row: StateRow, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([label, value]) => row.labels[label] === value)

const assumedOf = (at: ResourceName, row: StateRow | undefined): Assumed | null =>
  row === undefined || row.assumed === null
    ? null
    : { ...at, version: row.version, state: row.assumed, labels: row.labels }

/** What is assumed absent, with the version that says so. */
const absentOf = (at: ResourceName, readings: Readings): Assumed => ({
  ...at,
  version: readings.states.get(resourceId(at.scope, at.kind, at.name))?.version ?? 0,
  state: null,
  labels: {},
})

/** The answers by the names that the decider gave its reads. */
export const factsOf = (
  reads: Reads,
  scope: string,
  readings: Readings,
): Record<string, unknown> => {
  const finds = [...readings.finds]
  const counters = [...readings.counters]
  const one = (at: ResourceName): Assumed | null =>
    assumedOf(at, readings.states.get(resourceId(at.scope, at.kind, at.name)))
  const answer = (q: Query<unknown>): unknown => {
    const at = { scope: q.scope ?? scope }
    switch (q.type) {
      case 'get':
        return one({ ...at, kind: q.kind, name: q.name })
      case 'get_all':
        return q.names.map((name) => {
          const of = { ...at, kind: q.kind, name }
          return one(of) ?? (q.absent === undefined ? null : absentOf(of, readings))
        })
      case 'find': {
        const rows = finds.shift() ?? []
        if (rows.length > q.max) throw new TooManyRows(`${q.kind} ${JSON.stringify(q.labels)}`)
        return rows
          .filter((row) => carries(row, q.labels))
          .map((row) => assumedOf({ ...at, kind: q.kind, name: row.name }, row))
          .toSorted((a, b) => ((a?.name ?? '') < (b?.name ?? '') ? -1 : 1))
      }
      case 'counter':
        return counters.shift()?.consumed ?? 0
    }
  }
  return Object.fromEntries(Object.entries(reads).map(([fact, q]) => [fact, answer(q)]))
}

/** Every row that was read, as (resource, version). */
export const premisesOf = (
  plan: ReadPlan,
  readings: Readings,
): readonly { resource: string; version: number }[] => {
  const premises = new Map<string, number>()
  for (const r of plan.resources) {
    const id = resourceId(r.scope, r.kind, r.name)
    premises.set(id, readings.states.get(id)?.version ?? 0)
  }
  for (const row of readings.finds.flat()) premises.set(row.resource, row.version)
  return [...premises].map(([resource, version]) => ({ resource, version }))
}

/** Every predicate that was asked, with a digest of who answered. */
export const predicatesOf = (plan: ReadPlan, readings: Readings): readonly JsonObject[] =>
  plan.finds.map((f, i) => {
    const found = readings.finds[i] ?? []
    const ids = found.map((row) => row.resource).toSorted()
    const digest = createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 32)
    const { max: _, ...asked } = f
    return { ...asked, found: found.length, digest }
  })

export const countersOf = (plan: ReadPlan, readings: Readings): readonly JsonObject[] =>
  plan.counters.map((c, i) => ({
    scope: c.scope,
    metric: c.metric,
    consumed: readings.counters[i]?.consumed ?? 0,
    version: readings.counters[i]?.version ?? 0,
  }))
