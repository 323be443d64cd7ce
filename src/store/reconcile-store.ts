import type { Json } from '../domain/json.ts'
import type {
  DesiredRow,
  Held,
  LookNote,
  Paused,
  ReconcileStore,
  Seen,
} from '../domain/reconcile-ports.ts'
import { codeOf, type Sql, type TransactionSql } from './connect.ts'
import { jsonb } from './jsonb.ts'
import { serializably } from './system.ts'
import { endWishes, unwantOthers } from './unwanting.ts'
import { watching } from './watch-store.ts'

type Filter = Parameters<ReconcileStore['desired']>[0]

const scopes = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql<{ scope: string }[]>`
    select distinct d.scope
    from foreword_private.desired d
    where d.ended_at is null
    order by d.scope`
  return rows.map((row) => row.scope)
}

const desired = (sql: Sql, filter: Filter): Promise<readonly DesiredRow[]> => sql<DesiredRow[]>`
  select
    d.resource,
    d.scope,
    d.kind,
    d.name,
    d.stack,
    d.spec,
    d.labels,
    d.counters,
    d.needs,
    d.lifecycle,
    d.generation
  from foreword_private.desired d
  where
    d.scope = ${filter.scope}
    and d.ended_at is null
    and (${filter.stack ?? null}::text is null or d.stack = ${filter.stack ?? null})
    and (${filter.kind ?? null}::text is null or d.kind = ${filter.kind ?? null})
  order by d.kind, d.name`

const desiredOf = (sql: Sql, resources: readonly string[]): Promise<readonly DesiredRow[]> =>
  sql<DesiredRow[]>`
    select
      d.resource,
      d.scope,
      d.kind,
      d.name,
      d.stack,
      d.spec,
      d.labels,
      d.counters,
      d.needs,
      d.lifecycle,
      d.generation
    from foreword_private.desired d
    where d.resource = any (${[...resources]}::uuid[]) and d.ended_at is null`

/** Returns the generation of each. */
export const wantOn = (
  sql: Sql | TransactionSql,
  rows: Parameters<ReconcileStore['want']>[0],
  by: string,
  take_over = false,
): Promise<readonly { kind: string; name: string; generation: number }[]> => {
  const wanted = rows.map((r) => ({
    scope: r.scope,
    kind: r.kind,
    name: r.name,
    stack: r.stack,
    spec: r.spec,
    labels: r.labels,
    counters: r.counters,
    needs: r.needs,
    lifecycle: r.lifecycle ?? {},
  }))
  return sql<{ kind: string; name: string; generation: number }[]>`
    select
      w.kind,
      w.name,
      foreword.want(
        w.scope, w.kind, w.name, w.spec, w.labels, w.needs, w.stack, w.counters, ${by}, w.lifecycle, ${take_over}
      ) as generation
    from jsonb_to_recordset(${jsonb(sql, wanted)}) as w (
      scope text, kind text, name text, stack text, spec jsonb,
      labels jsonb, counters jsonb, needs text[], lifecycle jsonb
    )`
}

const held: (sql: Sql) => ReconcileStore['held'] = (sql) => async (resources) => {
  const rows = await sql<(Held & { resource: string })[]>`
    select s.resource, s.version, s.assumed as state, s.labels, s.counters
    from foreword_private.resource_state s
    where s.resource = any (${[...resources]}::uuid[])`
  return new Map(rows.map(({ resource, ...row }) => [resource, row]))
}

const giveBack: (sql: Sql, gone: Parameters<ReconcileStore['giveBack']>[0]) => Promise<void> = (
  sql,
  gone,
) =>
  serializably(
    sql,
    (tx) => tx`
      select foreword_code.release(gen_random_uuid(), g.resource, g.version - 1)
      from jsonb_to_recordset(${jsonb(tx, gone)}) as g (resource uuid, version bigint)`,
  )

const seen: (sql: Sql) => ReconcileStore['seen'] = (sql) => async (resources) => {
  const rows = await sql<(Seen & { resource: string })[]>`
    select
      s.resource,
      o.observed,
      o.external_id,
      coalesce(o.outputs, '{}') as outputs,
      exists (
        select from foreword_private.entry e where e.resource = s.resource and e.settled_at is null
      ) as open
    from foreword_private.resource_state s
    left join foreword_private.observation o on o.resource = s.resource
    where s.resource = any (${[...resources]}::uuid[])`
  return new Map(rows.map(({ resource, ...row }) => [resource, row]))
}

const leaving: (sql: Sql) => ReconcileStore['leaving'] = (sql) => (scope, keys) =>
  sql<{ left: string; leaver: string }[]>`
    select distinct f.reference as left, e.kind || '/' || r.name as leaver
    from foreword_private.entry e
    join foreword_private.entry b on b.resource = e.resource and b.version = e.version - 1
    join foreword_private.resource r on r.id = e.resource
    cross join lateral foreword_code.references_of(b.assumed) f
    where e.scope = ${scope} and e.settled_at is null and f.reference = any (${[...keys]}::text[])`

const namesOf: (sql: Sql) => ReconcileStore['namesOf'] = (sql) => async (scope, kind, ids) => {
  const rows = await sql<{ external_id: string; name: string }[]>`
    select o.external_id, r.name
    from foreword_private.resource r
    join foreword_private.resource_state s on s.resource = r.id and s.assumed is not null
    join foreword_private.observation o on o.resource = r.id
    where r.scope = ${scope} and r.kind = ${kind} and o.external_id = any (${[...ids]}::text[])`
  return new Map(rows.map(({ external_id, name }) => [external_id, name]))
}

const refused: (sql: Sql) => ReconcileStore['refused'] = (sql) => async (resources) => {
  const rows = await sql<{ resource: string; state: Json; taken: boolean }[]>`
    select
      s.resource,
      last.assumed as state,
      exists (
        select
        from foreword_private.drift d
        where d.resource = s.resource and d.path = '#id' and d.resolved_at is null
      ) as taken
    from foreword_private.resource_state s
    cross join lateral (
      select e.state, e.verb, e.assumed
      from foreword_private.entry e
      where e.resource = s.resource and e.cause = 'intent'
      order by e.version desc
      limit 1
    ) last
    where
      s.resource = any (${[...resources]}::uuid[])
      and s.assumed is null
      and s.version > 0
      and last.state = 'rejected'
      and last.verb = 'create'`
  return new Map(rows.map(({ resource, ...row }) => [resource, row]))
}

/** That it is gone, where that is open, is told no more: nobody could see what is there instead. */
const noteTaken = async (sql: Sql, resource: string, external_id: string | null): Promise<void> => {
  await sql`
    with ended as (
      update foreword_private.drift d
      set resolved_at = clock_timestamp()
      where d.resource = ${resource} and d.path <> '#id' and d.resolved_at is null
    )
    insert into foreword_private.drift as d (resource, path, observed)
    values (${resource}, '#id', to_jsonb(${external_id}::text))
    on conflict (resource, path) where resolved_at is null do update
    set observed = excluded.observed
    where d.observed is distinct from excluded.observed`
}

const noteLooks = async (sql: Sql, looks: readonly LookNote[]): Promise<readonly string[]> => {
  const notes = looks.map((l) => ({
    resource: l.resource,
    version: l.version,
    began_at: l.began_at,
    observed: l.observed,
    external_id: l.external_id ?? null,
    outputs: l.outputs ?? {},
    revision: l.revision ?? null,
    condition: l.condition ?? 'ready',
    interval_min_ms: l.interval?.min_ms ?? null,
    interval_max_ms: l.interval?.max_ms ?? null,
    paths: l.paths.map((p) => ({ path: p.path, assumed: p.assumed, observed: p.observed })),
  }))
  const rows = await sql<{ resource: string }[]>`
    select n as resource from foreword_code.note_looks(${jsonb(sql, notes)}) n`
  return rows.map((row) => row.resource)
}

const deadlocks_max = 5

/** Two runs that end each other's drift may wait in a circle: the one that is sent away comes again. */
const afterDeadlocks = async <A>(write: () => Promise<A>): Promise<A> => {
  for (let tries = 1; ; tries++) {
    try {
      return await write()
    } catch (error) {
      if (tries >= deadlocks_max || codeOf(error) !== '40P01') throw error
    }
  }
}

/** What is wanted and what was last seen, READ COMMITTED: decisions read it again, serializably. */
export const reconcileStore = (sql: Sql): ReconcileStore => ({
  scopes: () => scopes(sql),
  desired: (filter) => desired(sql, filter),
  desiredOf: (resources) => desiredOf(sql, resources),
  want: async (rows, by, options) => {
    await wantOn(sql, rows, by, options?.take_over)
  },
  unwantOthers: (scope, stack, keep, by) => unwantOthers(sql, scope, stack, keep, by),
  held: held(sql),
  giveBack: (gone) => giveBack(sql, gone),
  seen: seen(sql),
  leaving: leaving(sql),
  namesOf: namesOf(sql),
  ...watching(sql),
  noteLooks: (looks) => afterDeadlocks(() => noteLooks(sql, looks)),
  refused: refused(sql),
  endWishes: (scope) => endWishes(sql, scope),
  noteTaken: (resource, external_id) => noteTaken(sql, resource, external_id),
  paused: () => sql<Paused[]>`
    select p.scope, p.paused_by as by, p.note, p.paused_at as since
    from foreword_private.pause p
    where p.resumed_at is null
    order by p.scope`,
  forgetGone: async (resources) => {
    await sql`select foreword_code.forget_gone(${[...resources]}::uuid[])`
  },
  endDrift: async (resources) => {
    await afterDeadlocks(
      () => sql`
        update foreword_private.drift d
        set resolved_at = clock_timestamp()
        where d.resource = any (${[...resources]}::uuid[]) and d.resolved_at is null`,
    )
  },
})
