import { randomUUID } from 'node:crypto'
import { stopwatch } from '../domain/deadline.ts'
import { failPoint } from '../domain/fail-point.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { EarlierDoubt } from '../domain/lifecycle.ts'
import type {
  ApplyLog,
  ClaimKind,
  Lease,
  ResourceName,
  StaleDecision,
  Step,
  StepResult,
} from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import { alone, alone_patience_ms } from './alone.ts'
import type { Sql, TransactionSql } from './connect.ts'
import { fewAtOnce, unlessUnderWay } from './few-at-once.ts'
import { jsonb } from './jsonb.ts'
import { serializably } from './system.ts'

/** Time between a call's deadline and the moment its lease may be taken by another worker. */
const lease_grace_ms = 5_000

/**
 * What gives back or takes back writes what deciders and persons write: for their locks it waits so long at most, since
 * some person may have gone to lunch in a transaction. Its lease runs out, and it is begun again.
 */
const lock_patience_ms = 1_000

/** So many of these at once: the other connections are for claims and outcomes. */
const at_once_max = 1

/** Something to select from, which bounds the waits for locks of what is selected. */
const waitsBriefly = (tx: TransactionSql) =>
  tx`set_config('lock_timeout', ${String(lock_patience_ms)}, true)`

interface LeaseRow {
  readonly entry: number
  readonly epoch: number
  readonly step: Step
  readonly number: number
  readonly idempotency_key: string
  readonly resource: string
  readonly version: number
  readonly decision: string
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly state: Json
  readonly before: Json
  readonly counters: Record<string, number>
  readonly looks: number
  readonly reason: string | null
  readonly applied_ms_ago: number | null
  readonly deadline_in_ms: number | null
  readonly first_attempt_ms_ago: number | null
  readonly external_id: string | null
  readonly outputs: JsonObject
  readonly operation: Json
  readonly args: Json
}

const leaseOf = (row: LeaseRow, age_ms: () => number): Lease => ({
  ...row,
  age_ms,
  deadline_in_ms: row.deadline_in_ms ?? 0,
  first_attempt_ms_ago: row.first_attempt_ms_ago ?? 0,
})

/** As settle takes it; what is null or not there is left out, and is null there. */
const resultJson = (r: StepResult): JsonObject => {
  const all: Readonly<Record<string, Json | undefined>> = {
    entry: r.entry,
    resource: r.resource,
    epoch: r.epoch,
    number: r.number,
    state: r.state,
    due_in_ms: r.due_in_ms === null ? null : Math.ceil(r.due_in_ms),
    reason: r.reason,
    looks: r.looks,
    outcome: r.outcome,
    error_class: r.error_class,
    error: r.error,
    response: r.response,
    external_id: r.external_id,
    outputs: r.outputs,
    operation: r.operation,
    seen: r.sighting !== undefined,
    observed: r.sighting?.state,
    condition: r.sighting?.condition,
    revision: r.sighting?.revision,
  }
  const told: Record<string, Json> = {}
  for (const [key, value] of Object.entries(all)) {
    if (value !== undefined && value !== null) told[key] = value
  }
  return told
}

const claim = async (
  sql: Sql,
  worker: number,
  kinds: readonly ClaimKind[],
): Promise<readonly Lease[]> => {
  const age_ms = stopwatch()
  // As one text: 22 values of each lease, read one by one, took the client a third longer.
  const [batch] = await sql<{ leases: readonly LeaseRow[] | null }[]>`
    select json_agg(l) as leases
    from (
        select
          c.entry,
          c.epoch,
          c.step,
          c.number,
          c.idempotency_key,
          c.resource,
          c.version,
          c.decision,
          c.scope,
          c.kind,
          c.name,
          c.verb,
          c.state,
          c.before,
          c.counters,
          c.looks,
          c.reason,
          extract(epoch from clock_timestamp() - c.applied_at) * 1000 as applied_ms_ago,
          extract(epoch from c.deadline_at - clock_timestamp()) * 1000 as deadline_in_ms,
          extract(epoch from clock_timestamp() - c.first_attempt_at) * 1000 as first_attempt_ms_ago,
          c.external_id,
          c.outputs,
          c.operation,
          c.args
        from foreword_code.claim(
          ${worker},
          ${kinds.map((k) => k.kind)}::text[],
          ${kinds.map((k) => k.slots)}::integer[],
          ${kinds.map((k) => k.timeout_ms)}::integer[],
          ${lease_grace_ms},
          ${kinds.map((k) => k.account ?? k.kind)}::text[],
          ${kinds.map((k) => k.rate?.per_second ?? null)}::double precision[],
          ${kinds.map((k) => k.rate?.burst ?? null)}::integer[]
        ) c
    ) l`
  return (batch?.leases ?? []).map((row) => leaseOf(row, age_ms))
}

/** `why` given: of a decision that must not be carried out; absent: of an intent that was rejected. */
const takeBack = async (
  sql: Sql,
  lease: Lease,
  entries: readonly number[],
  { why, patience_ms }: { readonly why?: string; readonly patience_ms?: number } = {},
): Promise<void> => {
  const reason = why ?? `intent ${lease.entry} was rejected: ${lease.reason ?? ''}`
  const head = {
    scope: lease.scope,
    decider: 'foreword/withdraw',
    decider_version: 1,
    actor: 'foreword',
    reason,
    tries: 1,
  }
  const withdraw = async (tx: TransactionSql): Promise<void> => {
    await tx`
      select foreword_code.withdraw(
        ${randomUUID()},
        ${entries}::bigint[],
        ${jsonb(tx, head)},
        ${why ?? null}::text
      )
      from ${waitsBriefly(tx)}`
  }
  await serializably(sql, withdraw, patience_ms)
}

/** The verdict and what follows from it under one lock: two members of a cycle are not both taken back. */
const certify = (sql: Sql, lease: Lease): Promise<boolean> =>
  alone(sql, async (session) => {
    const [verdict] = await session<{ decision: string; why: string }[]>`
      select c.decision, c.why from foreword_code.certify(${lease.decision}) c`
    if (verdict === undefined) return true
    const entries = await session<{ id: number }[]>`
      select i as id from foreword_code.intents_of(${verdict.decision}) i`
    const ids = entries.map((e) => e.id)
    await takeBack(session, lease, ids, { why: verdict.why, patience_ms: alone_patience_ms })
    return false
  })

const outputsOf = async (
  sql: Sql,
  names: readonly ResourceName[],
): ReturnType<ApplyLog['outputsOf']> => {
  const ids = names.map((n) => resourceId(n.scope, n.kind, n.name))
  const rows = await sql<{ resource: string; external_id: string | null; outputs: JsonObject }[]>`
    select o.resource, o.external_id, o.outputs
    from foreword_code.outputs_of(${ids}::uuid[]) o`
  const byId = new Map(rows.map((row) => [row.resource, row]))
  return ids.map((id) => {
    const row = byId.get(id)
    return {
      external_id: row?.external_id ?? null,
      outputs: row?.outputs ?? {},
      there: row !== undefined,
    }
  })
}

/** A call with its fail points. The second is passed only if something came of it: most sweeps find nothing. */
const trapped =
  <Args extends readonly unknown[], A>(
    what: 'claim' | 'settle' | 'sweep' | 'release',
    call: (...args: Args) => Promise<A>,
  ) =>
  async (...args: Args): Promise<A> => {
    failPoint(`before_${what}`)
    const got = await call(...args)
    if (got !== 0 && !(Array.isArray(got) && got.length === 0)) failPoint(`after_${what}`)
    return got
  }

/** The log as the applier sees it. READ COMMITTED, but for what changes the assumed state. */
export const applyLog = (sql: Sql): ApplyLog => ({
  claim: trapped('claim', (worker, kinds) => claim(sql, worker, kinds)),
  settle: trapped('settle', async (worker, results) => {
    const rows = await sql<{ entry: number }[]>`
      select s as entry
      from foreword_code.settle(${worker}, ${jsonb(sql, results.map(resultJson))}) s`
    return rows.map((row) => row.entry)
  }),
  sweep: trapped('sweep', async () => {
    const [row] = await sql<{ taken: number }[]>`select foreword_code.sweep() as taken`
    return row?.taken ?? 0
  }),
  // Leased anew while it waits, it would stand in the queue, and in its kind's slots, once more each time.
  withdraw: unlessUnderWay(
    ({ entry }: Lease) => entry,
    fewAtOnce(at_once_max, (lease: Lease) =>
      takeBack(sql, lease, [lease.entry], { patience_ms: lock_patience_ms }),
    ),
  ),
  // The others would only wait for its lock.
  certify: fewAtOnce(1, (lease: Lease) => certify(sql, lease)),
  claimAgain: (worker, deciders, max) =>
    sql<StaleDecision[]>`
      select a.decision, a.scope, a.decider, a.actor, a.input, a.why, a.tries
      from foreword_code.claim_again(${worker}, ${[...deciders]}::text[], ${max}) a`,
  endAgain: async (worker, decision, outcome, due_in_ms) => {
    await sql`
      select foreword_code.end_again(
        ${worker}, ${decision}, ${outcome}, ${due_in_ms === null ? null : Math.ceil(due_in_ms)}
      )`
  },
  release: trapped(
    'release',
    fewAtOnce(at_once_max, (resource: string, version: number) =>
      serializably(
        sql,
        (tx) => tx`
          select foreword_code.release(${randomUUID()}, ${resource}, ${version})
          from ${waitsBriefly(tx)}`,
        lock_patience_ms,
      ),
    ),
  ),
  outputsOf: (names) => outputsOf(sql, names),
  earlierDoubt: async (entry, number) => {
    const [row] = await sql<{ doubt: EarlierDoubt | null }[]>`
      select foreword_code.earlier_doubt(${entry}, ${number}) as doubt`
    return row?.doubt ?? null
  },
})
