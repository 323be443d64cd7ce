/** What there is to be looked at: page by page, in the order of names, and none of it locked. */
import type {
  Believed,
  Noticed,
  Place,
  ReconcileStore,
  Watched,
  WatchFilter,
} from '../domain/reconcile-ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Sql } from './connect.ts'

/** A notice that nobody has answered by then is due again: its resource was busy, or whoever looked died. */
const notice_lease = '5 seconds'

/** Path patterns that the owner of `r` leaves to others. */
const ignored = (sql: Sql) => sql`
  coalesce(
    (
      select array(select jsonb_array_elements_text(d.lifecycle -> 'ignore'))
      from foreword_private.desired d
      where d.resource = r.id and jsonb_typeof(d.lifecycle -> 'ignore') = 'array'
    ),
    '{}'
  )`

/**
 * The statement's own time is no later than its snapshot, and no look has begun: a write that is not seen
 * here moves the version before the look is noted. The last write is that of the newest version that was
 * called for; those above it were taken back, or tell what was seen.
 */
const watched = (sql: Sql, filter: WatchFilter): Promise<readonly Watched[]> => {
  const { scope, kind, names, unseen_since, began_at = null } = filter
  // Put together, and not "or it is null": a plan that is kept would read all of the kind for each page.
  const among =
    names === undefined
      ? sql``
      : sql`and r.id = any (${names.map((name) => resourceId(scope, kind, name))}::uuid[])`
  const unseen =
    unseen_since === undefined
      ? sql``
      : sql`and (o.observed_at is null or o.observed_at < ${unseen_since}::timestamptz)`
  const due =
    filter.due_only === true
      ? sql`and (
          o.look_at is null
          or o.look_at <= t.began_at
          or o.looked_version is distinct from s.version
        )`
      : sql``
  return sql<Watched[]>`
    select
      r.id as resource,
      r.scope,
      r.kind,
      r.name,
      s.version,
      s.assumed,
      s.labels,
      o.external_id,
      coalesce(o.outputs, '{}') as outputs,
      ${ignored(sql)} as ignore,
      t.began_at::text as began_at,
      not exists (
        select from foreword_private.entry e where e.resource = r.id and e.settled_at is null
      )
      and coalesce(
        last.settled_at + ${filter.settle_ms} * interval '1 ms' <= t.began_at,
        true
      ) as quiet
    from (select coalesce(${began_at}::timestamptz, statement_timestamp()) as began_at) t
    cross join foreword_private.resource r
    join foreword_private.resource_state s on s.resource = r.id
    left join foreword_private.observation o on o.resource = r.id
    left join lateral (
      select e.settled_at
      from foreword_private.entry e
      where e.resource = r.id and e.attempts > 0
      order by e.version desc
      limit 1
    ) last on true
    where
      s.assumed is not null
      and r.scope = ${scope}
      and r.kind = ${kind}
      and r.name > ${filter.after ?? ''}
      ${among}
      ${unseen}
      ${due}
    order by r.name
    limit ${filter.limit}`
}

const places = (
  sql: Sql,
  filter: Parameters<ReconcileStore['places']>[0],
): Promise<readonly Place[]> => sql<Place[]>`
  select
    r.scope,
    r.kind,
    count(*) as all,
    count(*) filter (
      where
        o.look_at is null
        or o.look_at <= statement_timestamp()
        or o.looked_version is distinct from s.version
    ) as due
  from foreword_private.resource r
  join foreword_private.resource_state s on s.resource = r.id
  left join foreword_private.observation o on o.resource = r.id
  where
    s.assumed is not null
    and r.kind = any (${[...filter.kinds]}::text[])
    and (${filter.scope ?? null}::text is null or r.scope = ${filter.scope ?? null})
  group by r.scope, r.kind
  order by r.kind, r.scope`

/** Level-based: whoever believed what he saw may have died before he put it back. */
const believed = (
  sql: Sql,
  filter: Parameters<ReconcileStore['believed']>[0],
): Promise<readonly Believed[]> => sql<Believed[]>`
  select
    e.resource,
    e.scope,
    e.kind,
    r.name,
    e.version,
    p.assumed as before,
    p.labels,
    e.assumed is null as gone
  from foreword_private.entry e
  join foreword_private.resource_state s on s.resource = e.resource and s.version = e.version
  join foreword_private.resource r on r.id = e.resource
  join foreword_private.entry p on p.resource = e.resource and p.version = e.version - 1
  where
    e.cause = 'observation'
    and e.verb = 'observe'
    and p.assumed is not null
    and e.kind = any (${[...filter.kinds]}::text[])
    and (${filter.scope ?? null}::text is null or e.scope = ${filter.scope ?? null})
    and not exists (
      select from foreword_private.desired d where d.resource = e.resource and d.ended_at is null
    )
  order by e.scope, e.kind, r.name`

const claimNotices = async (
  sql: Sql,
  kinds: readonly string[],
  max: number,
): Promise<readonly Noticed[]> => sql<Noticed[]>`
  with due as materialized (
    select n.resource, r.scope, r.kind, r.name
    from foreword_private.notice n
    join foreword_private.resource r on r.id = n.resource
    where n.look_at <= clock_timestamp() and r.kind = any (${[...kinds]}::text[])
    order by n.look_at
    limit ${max}
    for update of n skip locked
  ),
  leased as (
    update foreword_private.notice n
    set look_at = clock_timestamp() + ${notice_lease}::interval
    from due d
    where n.resource = d.resource
  )
  select d.scope, d.kind, array_agg(d.name order by d.name) as names
  from due d
  group by d.scope, d.kind`

export const watching = (
  sql: Sql,
): Pick<ReconcileStore, 'places' | 'watched' | 'now' | 'believed' | 'claimNotices'> => ({
  places: (filter) => places(sql, filter),
  watched: (filter) => watched(sql, filter),
  now: async () => {
    const [row] = await sql<{ now: string }[]>`select clock_timestamp()::text as now`
    if (row === undefined) throw new Error('the database has no clock')
    return row.now
  },
  believed: (filter) => believed(sql, filter),
  claimNotices: (kinds, max) => claimNotices(sql, kinds, max),
})
