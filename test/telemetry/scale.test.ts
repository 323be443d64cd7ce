/** What a scrape costs: the log may be of any length, and what is open is counted once. */
import t from 'tap'
import { metricsReads } from '../../src/store/metrics-reads.ts'
import { connectSql, type Sql, type TransactionSql } from '../../src/store/connect.ts'
import { testDatabase } from '../support/database.ts'

const log_length = 100_000

/** Decisions, intents, attempts, conflicts and drift as years would leave them; by hand, since they would take years. */
const grow = async (tx: TransactionSql): Promise<void> => {
  await tx`set local session_replication_role = replica`
  await tx`
    insert into foreword_private.decision (id, scope, decider, decided_at, unplaced)
    select md5('d' || i)::uuid, 'acme', 'x', now() - interval '1 year', false
    from generate_series(1, ${log_length}::integer) as i`
  await tx`
    insert into foreword_private.entry (
      resource, version, scope, kind, decision, cause, verb, state, settled_at, recorded_at
    )
    select
      md5('r' || i)::uuid, 1, 'acme', 'thing', md5('d' || i)::uuid, 'intent', 'create',
      'confirmed', now() - interval '1 year', now() - interval '1 year'
    from generate_series(1, ${log_length}::integer) as i`
  await tx`
    insert into foreword_private.conflict (at, scope, decider, tries, sqlstate)
    select now() - interval '1 year', 'acme', 'x', 1, '40001'
    from generate_series(1, ${log_length}::integer) as i`
  await tx`
    insert into foreword_private.drift (resource, path, assumed, observed, since, resolved_at)
    select md5('r' || i)::uuid, 'size', '1', '2', now() - interval '1 year', now()
    from generate_series(1, ${log_length}::integer) as i`
}

const open = async (tx: TransactionSql, count: number): Promise<void> => {
  await tx`set local session_replication_role = replica`
  await tx`
    insert into foreword_private.entry (
      resource, version, scope, kind, decision, cause, verb, state, due_at
    )
    select
      md5('o' || i)::uuid, 1, 'acme', 'thing', md5('d' || i)::uuid, 'intent', 'create',
      'pending', now()
    from generate_series(1, ${count}::integer) as i`
}

const rowsRead = async (sql: Sql): Promise<number> => {
  await sql`select pg_stat_force_next_flush()`
  const [row] = await sql<{ read: number }[]>`
    select sum(coalesce(s.idx_tup_fetch, 0) + s.seq_tup_read)::double precision as read
    from pg_stat_user_tables s
    where s.schemaname = 'foreword_private'`
  return row?.read ?? 0
}

t.test('a scrape reads what is open, and nothing of a log of 100,000', async (t) => {
  const { url } = await testDatabase(t)
  const sql = connectSql({ url, application_name: 'test', max: 1 })
  t.teardown(() => sql.end({ timeout: 5 }))
  await sql.begin('isolation level serializable', grow)
  await sql`vacuum analyze`
  const read = metricsReads(sql)
  await read()
  const before = await rowsRead(sql)
  const { backlog, conflicts, drift } = await read()
  const cost = (await rowsRead(sql)) - before
  t.strictSame([backlog.length, conflicts.length, drift.length], [0, 0, 0])
  t.ok(cost < 200, `${cost} rows were read`)

  // Half of all there is: the planner reads the table as a whole then.
  t.test('of 100,000 that are open, each twice at most', async (t) => {
    await sql.begin('isolation level serializable', (tx) => open(tx, log_length))
    await sql`vacuum analyze`
    const from = await rowsRead(sql)
    const began = performance.now()
    const rows = await read()
    t.comment(`took ${Math.round(performance.now() - began)} ms`)
    const each = ((await rowsRead(sql)) - from) / log_length
    t.match(rows.backlog, [{ kind: 'thing', state: 'pending', count: log_length }])
    t.ok(each < 2.1, `${each} reads of each`)
  })
})
