/** What is known after a schedule: the log, the witness's moves, the cloud's own books, and what was told. */
import { audit, type AuditReport } from '../../src/audit/audit.ts'
import type { Json } from '../../src/domain/json.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import type { Sql } from '../../src/store/connect.ts'
import type { Schedule } from './schedule.ts'
import { canary } from './setting.ts'
import { readAgain } from './standing.ts'

export interface Entry {
  readonly id: number
  readonly resource: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly verb: string
  readonly cause: string
  readonly state: string
  readonly decision: string
  readonly looks: number
  readonly reason: string | null
  readonly assumed: Json
  readonly key: string
  readonly worker: number | null
  readonly waits_for: number | null
  readonly due_at: Date | null
  readonly settled_at: Date | null
  readonly after: readonly { readonly resource: string; readonly version: number }[]
}

export interface Attempt {
  readonly entry: number
  readonly number: number
  readonly worker: number
  readonly idempotency_key: string
  readonly started_at: Date
  readonly deadline_at: Date
  readonly ended_at: Date | null
  readonly outcome: string | null
  readonly error_class: string | null
  readonly external_id: string | null
}

export interface Decision {
  readonly id: string
  readonly decider: string
  readonly job: string | null
  readonly reason: string
  readonly premises: readonly { readonly resource: string; readonly version: number }[]
}

export interface Move {
  readonly entry: number
  readonly from_state: string
  readonly to_state: string
  readonly from_epoch: number
  readonly to_epoch: number
  readonly from_worker: number | null
  readonly to_worker: number | null
  readonly was_settled: boolean
}

export interface Effect {
  readonly seq: number
  readonly at: string
  readonly kind: string
  readonly verb: string
  readonly id: string
  readonly name: string
  readonly intent: string | null
}

export interface Request {
  readonly seq: number
  readonly at: string
  readonly method: string
  readonly path: string
  readonly intent: string | null
  readonly fault: string | null
  readonly status: number | null
  readonly heard: boolean
}

/** What became of a job, as its process was told, and whether that process lived to tell. */
export interface Told {
  readonly job: string
  readonly begun: number
  readonly results: readonly { readonly type: string; readonly decision?: string }[]
}

export interface Evidence {
  readonly schedule: Schedule
  readonly entries: readonly Entry[]
  readonly attempts: readonly Attempt[]
  readonly decisions: readonly Decision[]
  readonly moves: readonly Move[]
  /** Stale decisions that nobody has decided again. */
  readonly again: readonly string[]
  readonly states: readonly {
    readonly resource: string
    readonly kind: string
    readonly name: string
    readonly version: number
    readonly assumed: Json
  }[]
  readonly cores_consumed: number
  readonly external_ids: ReadonlyMap<string, string | null>
  readonly audit: AuditReport
  readonly effects: readonly Effect[]
  readonly requests: readonly Request[]
  /** By kind of the cloud, all resources there are. */
  readonly truth: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>
  readonly told: readonly Told[]
  /** Where the secret was found that goes out with every request. */
  readonly leaks: readonly string[]
  /** Ids of workers that were killed, stopped or cut off. */
  readonly disturbed: ReadonlySet<number>
  /** Those of them that may not have read an answer: all but those stopped right after one. */
  readonly lost: ReadonlySet<number>
  /** Postgres itself was stopped. */
  readonly crashed: boolean
}

type FromLog = Pick<
  Evidence,
  | 'entries'
  | 'attempts'
  | 'decisions'
  | 'moves'
  | 'again'
  | 'states'
  | 'cores_consumed'
  | 'external_ids'
  | 'audit'
>

const entriesOf = (sql: Sql) => sql<Entry[]>`
  select
    e.id, e.resource, e.kind, r.name, e.version, e.verb, e.cause, e.state, e.decision, e.looks,
    e.reason, e.assumed, e.worker, e.due_at, e.settled_at, coalesce(e.waits_for, d.waits_for) as waits_for,
    foreword_code.idempotency_key(e.resource, e.version) as key,
    (
      select coalesce(jsonb_agg(jsonb_build_object('resource', a.resource, 'version', a.version)), '[]')
      from unnest(e.after_resources, e.after_versions) as a (resource, version)
    ) as after
  from foreword_private.entry e
  join foreword_private.resource r on r.id = e.resource
  join foreword_private.decision d on d.id = e.decision
  order by e.id`

const decisionsOf = (sql: Sql) => sql<Decision[]>`
  select
    d.id, d.decider, d.input ->> 'job' as job, d.reason,
    (
      select coalesce(jsonb_agg(jsonb_build_object('resource', p.resource, 'version', p.version)), '[]')
      from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    ) as premises
  from foreword_private.decision d
  where not d.abandoned`

export const readLog = async (sql: Sql): Promise<FromLog> => {
  const attempts = await sql<Attempt[]>`
    select a.* from foreword_private.attempt a order by a.entry, a.number`
  const moves = await sql<Move[]>`select m.* from torture.move m order by m.at`
  const states = await sql<Evidence['states'][number][]>`
    select s.resource, r.kind, r.name, s.version, s.assumed
    from foreword_private.resource_state s
    join foreword_private.resource r on r.id = s.resource`
  const [quota] = await sql<{ consumed: number }[]>`
    select q.consumed from foreword_private.quota q where q.metric = 'cores'`
  const observed = await sql<{ resource: string; external_id: string | null }[]>`
    select o.resource, o.external_id from foreword_private.observation o`
  return {
    entries: await entriesOf(sql),
    attempts,
    decisions: await decisionsOf(sql),
    moves,
    again: await readAgain(sql),
    states,
    cores_consumed: quota?.consumed ?? 0,
    external_ids: new Map(observed.map((o) => [o.resource, o.external_id])),
    audit: await audit(auditStore(sql)),
  }
}

/** Tables that say the secret somewhere. The rows of nobody in `member` are thousands, and have no room for it. */
export const leaksIn = async (sql: Sql): Promise<readonly string[]> => {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', t.schemaname, t.tablename) as name
    from pg_tables t
    where t.schemaname in ('foreword_private', 'graphile_worker') and t.tablename <> 'member'`
  const looks = tables.map(
    ({ name }) => `select '${name}' as name from ${name} x where x::text like '%${canary.value}%'`,
  )
  const found = await sql.unsafe<{ name: string }[]>(looks.join(' union '))
  return found.map(({ name }) => `${name} holds the secret`)
}

const ask = async (url: string, page: string): Promise<unknown> =>
  (await fetch(`${url}/admin/${page}`)).json()

/** The cloud's own books, which know nothing of the log. */
export const readCloud = async (
  url: string,
): Promise<Pick<Evidence, 'effects' | 'requests' | 'truth'>> => {
  const { accounts } = (await ask(url, 'state')) as {
    readonly accounts: Readonly<Record<string, Evidence['truth']>>
  }
  const [truth] = Object.values(accounts)
  return {
    effects: (await ask(url, 'ledger')) as readonly Effect[],
    requests: ((await ask(url, 'requests')) as readonly Request[]).filter(
      ({ method, path }) => method !== 'GET' && !path.startsWith('/v1/quotas'),
    ),
    truth: truth ?? {},
  }
}
