/**
 * A long log, made by SQL in a minute instead of by decisions in ten: one after the other, each reads its
 * own resource and two others at their versions of that moment, and writes the next version of its own;
 * every tenth also finds a cell of a hundred machines and reads a counter. Carried out and certified.
 */
import type { Sql, TransactionSql } from '../src/store/connect.ts'

export interface LongLog {
  readonly decisions: number
  readonly resources: number
}

const cells = 2_000

/** Resource r and decision i (from 1 on), which writes resource (i - 1) % resources. */
const numbers = async (sql: Sql, { decisions, resources }: LongLog): Promise<void> => {
  await sql`
    create table bench_resource as
    select
      r,
      foreword_code.resource_id('bench', 'vm', 'r' || r) as id,
      jsonb_build_object('cell', (r % ${cells}::integer)::text) as labels,
      case when r % 10 = 9 then '{"cores": 1}'::jsonb else '{}' end as counters
    from generate_series(0, ${resources - 1}::integer) as r`
  await sql`create unique index on bench_resource (r) include (id)`
  await sql`
    create table bench_decision as
    select
      i,
      -- As clients make them: the time, and something of their own.
      (
        lpad(to_hex(1700000000000 + i / 3), 12, '0') || '7' || substr(md5(i::text), 1, 3)
          || '8' || substr(md5(i::text), 4, 15)
      )::uuid as id,
      ((i - 1) % ${resources}::integer)::integer as a,
      ((i * 7919 + 13) % ${resources}::integer)::integer as b,
      ((i * 104729 + 7) % ${resources}::integer)::integer as c
    from generate_series(1, ${decisions}::bigint) as i`
  await sql`create index on bench_decision (i)`
  await sql`analyze bench_resource, bench_decision`
}

/** The version of resource r when decision i looks at it. */
const versionAt = (tx: TransactionSql, resource: string, resources: number) =>
  tx`((i - 2 - ${tx(resource)} + ${resources}::integer) / ${resources}::integer)`

const decisionRows = async (tx: TransactionSql, { resources }: LongLog): Promise<void> => {
  const counted = tx`(least(i - 1, ${resources}::integer) / 10)`
  await tx`
    insert into foreword_private.decision (
      id, scope, decider, decider_version, actor, input, premise_resources, premise_versions,
      premise_predicates, premise_counters, snapshot, xid, certified_at
    )
    select
      d.id,
      'bench',
      'resize',
      1,
      'bench',
      '{"names": ["a", "b", "c"]}',
      array[ra.id, rb.id, rc.id],
      array[${versionAt(tx, 'a', resources)}, ${versionAt(tx, 'b', resources)}, ${versionAt(tx, 'c', resources)}],
      case when i % 10 = 0 then jsonb_build_array(
        jsonb_build_object(
          'scope', 'bench',
          'kind', 'vm',
          'labels', jsonb_build_object('cell', (i / 10 % ${cells}::integer)::text),
          'label', 'cell',
          'value', (i / 10 % ${cells}::integer)::text,
          'found', (
            (least(i - 1, ${resources}::integer) - i / 10 % ${cells}::integer + ${cells - 1}::integer)
            / ${cells}::integer
          )
        )
      ) else '[]' end,
      case when i % 10 = 0 then jsonb_build_array(
        jsonb_build_object(
          'scope', 'bench', 'metric', 'cores', 'consumed', ${counted}, 'version', ${counted}
        )
      ) else '[]' end,
      format('%s:%s:', i, i)::pg_snapshot,
      i::text::xid8,
      clock_timestamp()
    from bench_decision d
    join bench_resource ra on ra.r = d.a
    join bench_resource rb on rb.r = d.b
    join bench_resource rc on rc.r = d.c
    order by i`
}

const entryRows = async (tx: TransactionSql, { resources }: LongLog): Promise<void> => {
  await tx`
    insert into foreword_private.entry (
      resource, version, scope, kind, decision, cause, verb, assumed, labels, counters, state,
      attempts, applied_at, settled_at
    )
    select
      r.id,
      (i - 1) / ${resources}::integer + 1,
      'bench',
      'vm',
      d.id,
      'intent',
      case when i <= ${resources}::integer then 'create' else 'update' end,
      '{"size": "m"}',
      r.labels,
      r.counters,
      'confirmed',
      1,
      clock_timestamp(),
      clock_timestamp()
    from bench_decision d
    join bench_resource r on r.r = d.a
    order by i`
  await tx`
    insert into foreword_private.quota_entry (scope, metric, version, decision, amount)
    select 'bench', 'cores', i / 10, id, 1
    from bench_decision
    where i <= ${resources}::integer and i % 10 = 0
    order by i`
}

/** What is assumed after the last decision, and what applying and certifying have left. */
const afterwards = async (sql: Sql): Promise<void> => {
  await sql`
    insert into foreword_private.resource (id, scope, kind, name)
    select id, 'bench', 'vm', 'r' || r from bench_resource order by id`
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`
      insert into foreword_private.resource_state (
        resource, version, assumed, labels, counters, decision
      )
      select distinct on (resource) resource, version, assumed, labels, counters, decision
      from foreword_private.entry
      order by resource, version desc`
    await tx`
      insert into foreword_private.member (key, scope, kind, label, value, resource, name)
      select foreword_code.member_key('bench', 'vm', l.label, l.value), 'bench', 'vm', l.label, l.value, id, 'r' || r
      from bench_resource
      cross join lateral (values ('', ''), ('cell', labels ->> 'cell')) as l (label, value)
      order by 1`
    await tx`
      insert into foreword_private.quota (scope, metric, consumed, version)
      select 'bench', 'cores', sum(amount), count(*) from foreword_private.quota_entry`
  })
  await sql`
    insert into foreword_private.attempt (
      entry, number, epoch, worker, idempotency_key, deadline_at, ended_at, outcome
    )
    select
      id,
      1,
      1,
      1,
      foreword_code.idempotency_key(resource, version),
      clock_timestamp(),
      clock_timestamp(),
      'applied'
    from foreword_private.entry
    order by id`
  await sql`
    insert into foreword_private.premise (resource, version, decision)
    select p.resource, p.version, d.id
    from foreword_private.decision d
    cross join lateral (
      select * from unnest(d.premise_resources, d.premise_versions)
      union
      select foreword_code.counter_key(c.scope, c.metric), c.version
      from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
      union
      select
        foreword_code.member_key(f.scope, f.kind, f.label, f.value),
        pg_snapshot_xmax(d.snapshot)::text::bigint
      from jsonb_to_recordset(d.premise_predicates)
        as f (scope text, kind text, label text, value text)
    ) as p (resource, version)
    order by 1, 2, 3`
}

/** Fills an empty database. */
export const makeLog = async (sql: Sql, log: LongLog): Promise<void> => {
  await numbers(sql, log)
  await sql.begin('isolation level serializable', async (tx) => {
    await decisionRows(tx, log)
    await entryRows(tx, log)
  })
  await afterwards(sql)
  await sql`drop table bench_resource, bench_decision`
  await sql`vacuum analyze`
  await sql`checkpoint`
}
