/** A world of any size in seconds, as decisions would have left it: by hand, since a million would take an hour. */
import type { Sql, TransactionSql } from '../../src/store/connect.ts'

/** Rows that a test can name: `r0` … of kind `vm` up to here, of kind `bulk` from here to `named_max`. */
const vms_max = 500
const named_max = 1_000
const counters_max = 10_000
/** Up to here the index of members is left as the migration spread it; a larger one has outgrown that. */
const spread_max = 100_000

export const kindOf = (i: number): string => (i < vms_max ? 'vm' : 'bulk')

/** Those that a test can name, and what they are labelled, counted and wanted as. */
const seedNamed = async (tx: TransactionSql, count: number): Promise<void> => {
  await tx`
    create temp table named on commit drop as
    select
      n.i,
      n.kind,
      foreword_code.resource_id('acme', n.kind, 'r' || n.i) as id,
      case
        when n.kind = 'bulk' then '{}'
        when n.i < 3
        then jsonb_build_object('tier', 'all', 'zone', case n.i when 1 then 'a' else 'b' end, 'role', 'web')
        else '{"tier": "all", "zone": "b"}'
      end as labels
    from (
      select i, case when i < ${vms_max} then 'vm' else 'bulk' end as kind
      from generate_series(0, ${count - 1}::integer) as i
    ) n`
  await tx`
    insert into foreword_private.resource_state (resource, version, assumed, labels)
    select n.id, 1, '{"size": "s"}', n.labels
    from named n
    order by n.i`
  await tx`
    insert into foreword_private.member (key, scope, kind, label, value, resource, name)
    select
      foreword_code.member_key('acme', n.kind, l.key, l.value),
      'acme',
      n.kind,
      l.key,
      l.value,
      n.id,
      'r' || n.i
    from named n
    cross join lateral jsonb_each_text(n.labels || '{"": ""}') l
    where n.kind = 'vm'
    order by n.i, l.key`
  await tx`
    insert into foreword_private.quota (scope, metric, consumed, version)
    select 'acme', 'cores', 4, 1`
  await tx`
    insert into foreword_private.scope (scope)
    values ('acme')
    on conflict do nothing`
  await tx`
    insert into foreword_private.desired (resource, scope, kind, name, spec)
    select n.id, 'acme', n.kind, 'r' || n.i, '{"size": "s"}'
    from named n`
}

/** All others: nobody asks for them by name, so theirs may be anything. */
const seedStates = async (tx: TransactionSql, size: number): Promise<void> => {
  await tx`
    insert into foreword_private.resource_state (resource, version, assumed)
    select md5(i::text)::uuid, 1, '{"size": "s"}'
    from generate_series(${named_max}::integer, ${size - 1}::integer) as i`
  await tx`
    insert into foreword_private.quota (scope, metric, consumed, version)
    select 'acme', 'x' || i, 4, 1
    from generate_series(1, ${Math.min(size, counters_max) - 1}::integer) as i
    on conflict do nothing`
}

const seedMembers = async (tx: TransactionSql): Promise<void> => {
  await tx`
    insert into foreword_private.member (key, scope, kind, label, value, resource, name)
    select k.key, 'acme', 'bulk', '', '', s.resource, s.resource::text
    from foreword_private.resource_state s
    cross join (select foreword_code.member_key('acme', 'bulk', '', '') as key) k
    where s.version > 0 and s.labels = '{}'
    order by s.resource`
}

/** Row triggers would be most of the time, and a serializable transaction is what they ask for. */
const seeding = async (sql: Sql, work: (tx: TransactionSql) => Promise<void>): Promise<void> => {
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`set local work_mem = '128MB'`
    await tx`set local maintenance_work_mem = '256MB'`
    await work(tx)
  })
}

/**
 * Makes `size` resources in the scope `acme`, all present, version 1. `r0` to `r499` are of kind `vm`
 * and carry tier=all and zone=b (`r1`: zone=a), the first three also role=web; all others are of kind
 * `bulk`. Counters `cores`, `x1` …; the first thousand are wanted as they are, generation 1.
 *
 * The indexes are built afterwards, on rows that are in order already: 5 s instead of 25 s for a million.
 * Autovacuum stays out, so that what the planner knows is for the test to say.
 */
export const seedWorld = async (sql: Sql, size: number): Promise<void> => {
  if (size === 0) return
  for (const table of ['resource_state', 'member']) {
    await sql.unsafe(`
      alter table foreword_private.${table} set unlogged;
      alter table foreword_private.${table} set (autovacuum_enabled = off)`)
  }
  await sql`alter table foreword_private.resource_state drop constraint resource_state_pkey`
  const outgrown = size > spread_max
  if (outgrown) await sql`alter table foreword_private.member drop constraint member_pkey`
  await seeding(sql, async (tx) => {
    await seedNamed(tx, Math.min(size, named_max))
    await seedStates(tx, size)
    await tx`alter table foreword_private.resource_state add primary key (resource)`
    await seedMembers(tx)
    if (outgrown) await tx`alter table foreword_private.member add primary key (key, resource)`
  })
}

/** Lets a world of less than a thousand grow to `size`, under the eyes of those who know it small. */
export const growWorld = (sql: Sql, size: number): Promise<void> =>
  seeding(sql, async (tx) => {
    await seedStates(tx, size)
    await seedMembers(tx)
  })

/** What the planner may know of a world that has been there for a while, and what an index-only scan needs. */
export const analyze = async (sql: Sql): Promise<void> => {
  await sql`
    vacuum analyze
      foreword_private.resource,
      foreword_private.resource_state,
      foreword_private.member,
      foreword_private.quota,
      foreword_private.desired,
      foreword_private.decision,
      foreword_private.entry`
}
