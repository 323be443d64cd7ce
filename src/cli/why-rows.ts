/** What `foreword why` asks the views. */
import { dirname } from 'node:path'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import { parseResourceKey } from '../domain/reference.ts'
import type { Sql } from '../store/connect.ts'
import { readEntries, type EntryRow } from './entries.ts'
import { readPauses, type Pause } from './pauses.ts'
import { readLinks, type Links } from './why-links.ts'
import { harmless } from './print.ts'
import { rulingsOn, type Ruling } from './rulings.ts'

/** Newest versions of a resource that are told. */
const entries_max = 10

export interface Subject {
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly desired: Json
  readonly assumed: Json
  readonly observed: Json
  readonly observed_at: Date | null
  readonly external_id: string | null
  readonly condition: string
  readonly reason: string | null
  readonly since: Date
}

export interface Premise {
  readonly decision_id: string
  readonly kind: string | null
  readonly name: string | null
  readonly version: number | null
  readonly predicate: string | null
  /** What was assumed in that version; null: absent, or no resource. */
  readonly state: Json
  /** What was assumed then has left the log. */
  readonly archived: boolean
  readonly holds: boolean | null
  /** The intent that wrote the next version, and the decision that it is of. */
  readonly next_intent: number | null
  readonly next_decision: string | null
}

export interface Attempt {
  readonly intent_id: number
  readonly number: number
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly outcome: string | null
  readonly error_class: string | null
  readonly error: string | null
  readonly idempotency_key: string
  readonly worker: number
  readonly external_id: string | null
  readonly response: Json
}

export interface Story {
  readonly subject: Subject
  /** Its scope is paused: by whom, and why. */
  readonly paused: Pause | null
  /** From when on the log of its scope is whole; null: nothing of it was archived. */
  readonly kept_since: Date | null
  readonly entries: readonly (EntryRow & {
    readonly premises: readonly Premise[]
    readonly attempts: readonly Attempt[]
    readonly rulings: readonly Ruling[]
    /** Null unless its intents went stale: what came of deciding again. */
    /** It is due, and no living worker has a provider for its kind. */
    readonly unserved: boolean
    readonly decided_again: string | null
    /** The decision that was made instead of this one, and the stale one that this one is instead of. */
    readonly decided_as: string | null
    readonly instead_of: string | null
    readonly links: Links
    /** Assumed state after it. */
    readonly state_after: Json
  })[]
}

const unknown = (what: string, remedy: string): ForewordError =>
  new ForewordError(`there is no ${harmless(what)}`, { remedy })

const subjectOf = (rows: readonly Subject[], what: string): Subject => {
  const [first, second] = rows
  if (first === undefined) throw unknown(what, 'see `foreword status` and `foreword log`')
  if (second === undefined) return first
  const scopes = rows.map(({ scope }) => harmless(scope))
  const some = scopes.length > 5 ? [...scopes.slice(0, 5), '…'] : scopes
  throw new ForewordError(`${harmless(what)} is in ${rows.length} scopes: ${some.join(', ')}`, {
    remedy: `name one: --scope ${scopes[0] ?? ''}`,
    exit_code: 2,
  })
}

const readSubject = async (
  sql: Sql,
  at: { readonly kind: string; readonly name: string; readonly scope: string | null },
  what: string,
): Promise<Subject> => {
  const rows = await sql<Subject[]>`
    select
      r.scope, r.kind, r.name, r.version, r.desired, r.assumed, r.observed, r.observed_at,
      r.external_id, r.condition, r.reason, r.since
    from foreword.resource r
    where
      r.kind = ${at.kind}
      and r.name = ${at.name}
      and (${at.scope}::text is null or r.scope = ${at.scope})
    order by r.scope`
  return subjectOf(rows, what)
}

/** A decision is known to be archived; a number only says that it may be. */
const refuseArchived = async (sql: Sql, what: string, is_decision: boolean): Promise<void> => {
  const [row] = await sql<{ file: string | null; since: string | null }[]>`
    select
      (
        select d.archived_in
        from foreword.decision d
        where d.id = ${is_decision ? what : null}::uuid
      ) as file,
      (select min(a.file) from foreword.archive a) as since`
  if (row?.file !== null && row?.file !== undefined) {
    throw new ForewordError(`decision ${what} is archived`, {
      where: harmless(row.file),
      remedy: `for example: grep ${what} ${harmless(row.file)}`,
    })
  }
  if (!is_decision && row?.since !== null && row?.since !== undefined) {
    throw new ForewordError(`intent ${what} is not in the log: it is archived, or never was`, {
      remedy: `for example: grep -l '"id": ${what.replace('#', '')},' ${harmless(dirname(row.since))}/*.ndjson`,
    })
  }
}

const readPremises = (sql: Sql, decisions: readonly string[]): Promise<readonly Premise[]> =>
  sql<Premise[]>`
    select
      p.decision_id, p.kind, p.name, p.version, p.predicate, p.holds,
      was.state,
      p.predicate is null and p.version > 0 and was.version is null as archived,
      next.id as next_intent,
      next.decision_id as next_decision
    from foreword.premise p
    left join lateral (
      select a.version, a.state
      from foreword.assumed_at_version(p.scope, p.kind, p.name, p.version) a
      where p.predicate is null
    ) was on true
    left join foreword.intent next
      on p.predicate is null
      and next.scope = p.scope
      and next.kind = p.kind
      and next.name = p.name
      and next.version = p.version + 1
    where p.decision_id = any (${[...decisions]}::uuid[])`

const readAttempts = (sql: Sql, intents: readonly number[]): Promise<readonly Attempt[]> =>
  sql<Attempt[]>`
    select
      a.intent_id, a.number, a.started_at, a.ended_at, a.outcome, a.error_class, a.error,
      a.idempotency_key, a.worker, a.external_id, a.response
    from foreword.attempt a
    where a.intent_id = any (${intents.map(String)}::bigint[])
    order by a.intent_id, a.number`

interface Fate {
  readonly id: number
  readonly decided_again: string | null
  readonly decided_as: string | null
  readonly instead_of: string | null
  readonly state_after: Json
  readonly unserved: boolean
}

const no_fate = {
  decided_again: null,
  decided_as: null,
  instead_of: null,
  state_after: null,
  unserved: false,
}

const readFates = (sql: Sql, entries: readonly number[]): Promise<readonly Fate[]> =>
  sql<Fate[]>`
    select
      e.id,
      e.assumed as state_after,
      case when g.decision is not null then coalesce(g.outcome, 'due') end as decided_again,
      g.decided_as,
      i.decision as instead_of,
      e.settled_at is null
        and e.state <> 'applying'
        and e.due_at <= statement_timestamp()
        and coalesce(e.kind <> all ((select foreword_code.live_kinds())::text[]), false) as unserved
    from foreword_private.entry e
    left join foreword_private.again g on g.decision = e.decision
    left join foreword_private.again i on i.decided_as = e.decision
    where e.id = any (${entries.map(String)}::bigint[])`

const bigint_max = 9_223_372_036_854_775_807n

const decision_id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const isDecisionId = (what: string): boolean => decision_id.test(what)

/** Entries of one decision that are told. */
const of_decision_max = 20

/** The number of an intent, KIND/NAME, or the id of a decision. Throws a ForewordError when it is neither, or ambiguous. */
export const readStory = async (
  sql: Sql,
  what: string,
  scope: string | undefined,
): Promise<Story> => {
  const is_id = /^#?\d{1,19}$/.test(what) && BigInt(what.replace('#', '')) <= bigint_max
  const is_decision = isDecisionId(what)
  if (!is_id && !is_decision && !/^[^/]+\/./.test(what)) {
    throw new ForewordError(
      `${JSON.stringify(what)} is neither the number of an intent nor KIND/NAME, nor a decision’s id`,
      {
        remedy: 'for example `foreword why 12` or `foreword why vm/web-1`',
        exit_code: 2,
      },
    )
  }
  const by_id = is_id
    ? await readEntries(sql, { id: what.replace('#', ''), last: 1 })
    : is_decision
      ? await readEntries(sql, { decision: what, last: of_decision_max })
      : undefined
  const [found] = by_id ?? []
  if ((is_id || is_decision) && found === undefined) {
    await refuseArchived(sql, what, is_decision)
    const word = is_id ? 'intent' : 'decision that wrote anything,'
    throw unknown(`${word} ${what}`, 'see `foreword log`, or select id from foreword.intent')
  }
  const at = found ?? { ...parseResourceKey(what), scope: scope ?? null }
  const inside = scope === undefined ? what : `${what} in ${scope}`
  const subject = await readSubject(sql, at, inside)
  const entries = by_id ?? (await readEntries(sql, { ...subject, last: entries_max }))
  const ids = entries.map(({ id }) => id)
  const [premises, attempts, rulings, pauses, fates, links] = await Promise.all([
    readPremises(sql, [...new Set(entries.map(({ decision }) => decision))]),
    readAttempts(sql, ids),
    rulingsOn(sql, ids),
    readPauses(sql, subject.scope),
    readFates(sql, ids),
    readLinks(sql, ids),
  ])
  const [kept] = await sql<{ since: Date }[]>`
    select k.since from foreword.kept k where k.scope = ${subject.scope}`
  const fate = new Map(fates.map(({ id, ...rest }) => [id, rest]))
  return {
    subject,
    paused: pauses[0] ?? null,
    kept_since: kept?.since ?? null,
    entries: entries.map((entry) => ({
      ...entry,
      ...(fate.get(entry.id) ?? no_fate),
      links: links(entry.id),
      premises: premises.filter(({ decision_id }) => decision_id === entry.decision),
      attempts: attempts.filter(({ intent_id }) => intent_id === entry.id),
      rulings: rulings.filter(({ intent_id }) => intent_id === entry.id),
    })),
  }
}
