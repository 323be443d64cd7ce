/** The evidence of a schedule, indexed by what the laws ask for. */
import type { Attempt, Decision, Entry, Evidence, Request } from './evidence.ts'
import { standingOf, type Standing } from './standing.ts'

export interface Facts extends Evidence {
  readonly standing: Standing
  readonly byKey: ReadonlyMap<string, Entry>
  readonly byVersion: ReadonlyMap<string, Entry>
  readonly decisionOf: ReadonlyMap<string, Decision>
  readonly attemptsOf: ReadonlyMap<number, readonly Attempt[]>
  readonly requestsOf: ReadonlyMap<number, readonly Request[]>
  readonly effectsOf: ReadonlyMap<number, readonly Evidence['effects'][number][]>
}

const grouped = <K, A>(all: readonly A[], keyOf: (a: A) => K | undefined): Map<K, A[]> => {
  const groups = new Map<K, A[]>()
  for (const a of all) {
    const key = keyOf(a)
    if (key === undefined) continue
    const group = groups.get(key) ?? []
    group.push(a)
    groups.set(key, group)
  }
  return groups
}

/** A version of a resource, as a key. */
export const at = (v: { readonly resource: string; readonly version: number }): string =>
  `${v.resource} ${v.version}`

export const factsOf = (evidence: Evidence): Facts => {
  const { entries, attempts, decisions, effects, requests } = evidence
  const decisionOf = new Map(decisions.map((d) => [d.id, d]))
  // By the keys that were written down with the attempts: what calls are made of is not ours to derive.
  const entryOfKey = new Map(attempts.map((a) => [a.idempotency_key, a.entry]))
  return {
    ...evidence,
    standing: standingOf(
      entries
        .filter((e) => e.settled_at === null)
        .map((e) => ({ ...e, is_due: e.due_at !== null })),
    ),
    byKey: new Map(entries.map((e) => [e.key, e])),
    byVersion: new Map(entries.map((e) => [at(e), e])),
    decisionOf,
    attemptsOf: grouped(attempts, (a) => a.entry),
    requestsOf: grouped(requests, (r) => entryOfKey.get(r.intent ?? '')),
    effectsOf: grouped(effects, (e) => entryOfKey.get(e.intent ?? '')),
  }
}

export const nameOf = (e: Entry): string =>
  `intent ${e.id} (${e.verb} ${e.kind}/${e.name} v${e.version}, ${e.state})`

export const ms = (date: string | Date): number => new Date(date).getTime()
/** Two clocks of one machine, Postgres's and the cloud's, in whole milliseconds. */
export const clocks_ms = 20

/** An answer that came whole, and that says what happened. */
export const isClear = (r: Request): boolean => r.heard && (r.status ?? 500) < 500

/**
 * Whether nobody could know what became of the last call of an intent: its answer was lost on the way, or
 * whoever made it was killed, stopped or cut off before the answer could be written down.
 */
export const wasAmbiguous = (facts: Facts, e: Entry): boolean => {
  const last = facts.attemptsOf.get(e.id)?.at(-1)
  const request = facts.requestsOf.get(e.id)?.at(-1)
  if (last === undefined) return false
  if (request !== undefined && !isClear(request)) return true
  return facts.crashed || facts.disturbed.has(last.worker)
}
