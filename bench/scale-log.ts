/**
 * A database as years leave it, made by SQL in minutes instead of by decisions in hours: each resource has had so
 * many versions, one a second all in all, each decided on its own resource and, every fourth, on another one;
 * carried out, certified, looked at. The newest of them are now.
 */
import { createHash } from 'node:crypto'
import type { Sql, TransactionSql } from '../src/store/connect.ts'

export interface Size {
  readonly resources: number
  readonly entries: number
}

/** Resources of a scope. Those that the benches change are the first 10,000 of `bench`, all of one kind. */
const scope_resources = 20_000
const changed_resources = 10_000
/** Of the decision that wrote entry i, counted from 0. */
export const decisionId = (i: number): string => {
  const hex = createHash('md5').update(`d${i}`).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

const filled = ['decision', 'entry', 'premise', 'attempt'] as const

/** Drops the indexes of the log, which are made faster at once than row by row; the answer makes them again. */
const withoutIndexes = async (sql: Sql): Promise<() => Promise<void>> => {
  const rows = await sql<{ name: string; relation: string; owner: string | null; made: string }[]>`
    select
      x.relname as name,
      t.relname as relation,
      c.conname as owner,
      case
        when c.oid is null then pg_get_indexdef(i.indexrelid)
        else format(
          'alter table foreword_private.%I add constraint %I %s', t.relname, c.conname, pg_get_constraintdef(c.oid)
        )
      end as made
    from pg_index i
    join pg_class x on x.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
    where n.nspname = 'foreword_private' and t.relname = any (${[...filled]})`
  for (const { name, relation, owner } of rows) {
    await (owner === null
      ? sql`drop index foreword_private.${sql(name)}`
      : sql`alter table foreword_private.${sql(relation)} drop constraint ${sql(owner)}`)
  }
  return async () => {
    await sql.begin(async (tx) => {
      await tx`set local maintenance_work_mem = '1GB'`
      for (const { made } of rows) await tx.unsafe(made)
    })
  }
}

const resourceRows = async (sql: Sql, { resources }: Size): Promise<void> => {
  await sql`
    create table bench_resource as
    select
      x.*,
      foreword_code.resource_id(x.scope, x.kind, x.name) as id
    from (
      select
        r,
        case when r < ${scope_resources}::integer then 'bench' else 's' || r / ${scope_resources}::integer end as scope,
        case
          when r < ${changed_resources}::integer then 'vm'
          else (array['vm', 'dns_record', 'ip', 'network'])[1 + r % 4]
        end as kind,
        'r' || r as name,
        jsonb_build_object('cell', (r / 100)::text) as labels
      from generate_series(0, ${resources - 1}::integer) as r
    ) x`
  await sql`create unique index on bench_resource (r)`
  await sql`analyze bench_resource`
  await sql`
    insert into foreword_private.resource (id, scope, kind, name)
    select id, scope, kind, name from bench_resource order by id`
  await sql`
    insert into foreword_private.scope (scope)
    select distinct scope from bench_resource
    on conflict do nothing`
}

/** One version of every resource: decision i is the (i % resources)th resource's. */
const versionRows = async (
  tx: TransactionSql,
  { resources, entries }: Size,
  version: number,
): Promise<void> => {
  const first = (version - 1) * resources
  const at = tx`(now() - (${entries}::bigint - ${first}::bigint - r.r) * interval '1 second')`
  const id = tx`md5('d' || ${first}::bigint + r.r)::uuid`
  const other = tx`((r.r * 7919::bigint + 13) % ${resources}::integer)`
  await tx`
    insert into foreword_private.decision (
      id, scope, decider, decider_version, actor, premise_resources, premise_versions, snapshot, xid,
      decided_at, certified_at, unplaced, scope_version
    )
    select
      ${id},
      r.scope,
      'resize',
      1,
      'bench',
      case when r.r % 4 = 0 and o.id <> r.id then array[r.id, o.id] else array[r.id] end,
      case when r.r % 4 = 0 and o.id <> r.id
        then array[${version - 1}::bigint, case when o.r < r.r then ${version}::bigint else ${version - 1}::bigint end]
        else array[${version - 1}::bigint] end,
      pg_current_snapshot(),
      pg_current_xact_id(),
      ${at},
      ${at},
      false,
      0
    from bench_resource r
    join bench_resource o on o.r = ${other}
    order by r.r`
  await tx`
    insert into foreword_private.entry (
      resource, version, scope, kind, decision, cause, verb, assumed, labels, state, attempts, epoch,
      recorded_at, applied_at, settled_at
    )
    select
      r.id,
      ${version}::bigint,
      r.scope,
      r.kind,
      ${id},
      'intent',
      ${version === 1 ? 'create' : 'update'}::text,
      jsonb_build_object('size', 'm', 'version', ${version}::integer),
      r.labels,
      'confirmed',
      1,
      1,
      ${at},
      ${at},
      ${at}
    from bench_resource r
    order by r.r`
}

/** What carrying them out has left, and what certifying has. */
const appliedRows = async (sql: Sql): Promise<void> => {
  await sql`
    insert into foreword_private.attempt (
      entry, number, epoch, worker, idempotency_key, started_at, deadline_at, ended_at, outcome
    )
    select
      id,
      1,
      1,
      1,
      foreword_code.idempotency_key(resource, version),
      recorded_at,
      recorded_at + interval '30 seconds',
      recorded_at,
      'applied'
    from foreword_private.entry`
  await sql`
    insert into foreword_private.premise (resource, version, decision)
    select p.resource, p.version, d.id
    from foreword_private.decision d
    cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)`
}

const assumedRows = async (sql: Sql, { resources, entries }: Size): Promise<void> => {
  const newest = entries / resources
  const assumed = sql`jsonb_build_object('size', 'm', 'version', ${newest}::integer)`
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`
      insert into foreword_private.resource_state (resource, version, assumed, labels, decision)
      select id, ${newest}::bigint, ${assumed}, labels, md5('d' || ${entries - resources}::bigint + r)::uuid
      from bench_resource
      order by id`
    await tx`
      insert into foreword_private.member (key, scope, kind, label, value, resource, name)
      select foreword_code.member_key(r.scope, r.kind, l.label, l.value), r.scope, r.kind, l.label, l.value, r.id, r.name
      from bench_resource r
      cross join lateral (values ('', ''), ('cell', r.labels ->> 'cell')) as l (label, value)
      order by 1`
  })
  await sql`
    insert into foreword_private.observation (resource, observed, observed_at, looked_version)
    select id, ${assumed}, now(), ${newest}::bigint from bench_resource order by id`
}

/** Fills an empty, migrated database. `entries`: a multiple of `resources`. */
export const makeScale = async (sql: Sql, size: Size): Promise<void> => {
  const { resources, entries } = size
  await resourceRows(sql, size)
  const makeIndexes = await withoutIndexes(sql)
  for (let version = 1; version <= entries / resources; version++) {
    await sql.begin((tx) => versionRows(tx, size, version))
  }
  await appliedRows(sql)
  await assumedRows(sql, size)
  await makeIndexes()
  await sql`drop table bench_resource`
  await sql`vacuum analyze`
  await sql`checkpoint`
}
