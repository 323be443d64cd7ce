/**
 * Holds the log of a whole database against serializability: who read what, who wrote what, and no
 * circle among them. It knows the log's tables only, and none of the code that fills them.
 */
import type { Sql } from '../../src/store/connect.ts'

export interface History {
  readonly decisions: number
  readonly edges: number
  /** Who is on a circle, or between two; nobody: the history is serializable. */
  readonly circle: readonly { readonly scope: string; readonly decider: string }[]
}

interface Edge {
  readonly before: string
  readonly after: string
}

/** A version's writer comes before who writes the next one, and who reads a version stands between the two. */
const ofRows = (sql: Sql) => sql<Edge[]>`
  with seen as materialized (
    select d.id, p.resource, p.version
    from foreword_private.decision d
    cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    where not d.abandoned
  )
  select w.decision as before, n.decision as after
  from foreword_private.entry w
  join foreword_private.entry n on n.resource = w.resource and n.version = w.version + 1
  union
  select w.decision, r.id
  from seen r
  join foreword_private.entry w on w.resource = r.resource and w.version = r.version
  union
  select r.id, n.decision
  from seen r
  join foreword_private.entry n on n.resource = r.resource and n.version = r.version + 1`

/** The same of counters; who shares a version shared a transaction. */
const ofCounters = (sql: Sql) => sql<Edge[]>`
  with asked as (
    select d.id, c.scope, c.metric, c.version
    from foreword_private.decision d
    cross join lateral jsonb_to_recordset(d.premise_counters)
      as c (scope text, metric text, version bigint)
    where not d.abandoned
  )
  select w.decision as before, n.decision as after
  from foreword_private.quota_entry w
  join foreword_private.quota_entry n
    on n.scope = w.scope and n.metric = w.metric and n.version = w.version + 1
  union
  select w.decision, a.id
  from asked a
  join foreword_private.quota_entry w
    on w.scope = a.scope and w.metric = a.metric and w.version = a.version
  union
  select a.id, n.decision
  from asked a
  join foreword_private.quota_entry n
    on n.scope = a.scope and n.metric = a.metric and n.version = a.version + 1`

/** Who entered or left a predicate comes before who could see that, and after who could not. */
const ofPredicates = (sql: Sql) => sql<Edge[]>`
  with asked as (
    select
      d.id,
      d.snapshot,
      f.scope,
      f.kind,
      coalesce(f.label, (select min(l) from jsonb_object_keys(f.labels) l), '') as label,
      coalesce(f.value, (select f.labels ->> min(l) from jsonb_object_keys(f.labels) l), '') as value
    from foreword_private.decision d
    cross join lateral jsonb_to_recordset(d.premise_predicates)
      as f (scope text, kind text, labels jsonb, label text, value text)
    where not d.abandoned
  )
  select
    case when pg_visible_in_snapshot(m.xid, a.snapshot) then m.decision else a.id end as before,
    case when pg_visible_in_snapshot(m.xid, a.snapshot) then a.id else m.decision end as after
  from asked a
  join foreword_private.member_entry m
    on m.scope = a.scope and m.kind = a.kind and m.label = a.label and m.value = a.value`

/** What is left when, again and again, whoever has nobody before him, or nobody after him, is taken away. */
const core = (edges: readonly Edge[]): readonly string[] => {
  let left = edges
  for (;;) {
    const befores = new Set(left.map((edge) => edge.before))
    const afters = new Set(left.map((edge) => edge.after))
    const rest = left.filter((edge) => afters.has(edge.before) && befores.has(edge.after))
    if (rest.length === left.length) return [...new Set(left.map((edge) => edge.before))]
    left = rest
  }
}

export const historyIsSerializable = async (sql: Sql): Promise<History> => {
  const found = [await ofRows(sql), await ofCounters(sql), await ofPredicates(sql)].flat()
  const edges = found.filter((edge) => edge.before !== edge.after)
  const ids = core(edges)
  const [row] = await sql<{ decisions: number }[]>`
    select count(*)::integer as decisions from foreword_private.decision where not abandoned`
  const circle = await sql<{ scope: string; decider: string }[]>`
    select d.scope, d.decider
    from foreword_private.decision d
    where d.id = any (${[...ids]}::uuid[])
    order by d.scope, d.decider`
  return { decisions: row?.decisions ?? 0, edges: edges.length, circle: [...circle] }
}

/**
 * Of some scopes those in which a decision is refused its certificate. What is refused is not taken back
 * here, so the first refusal in a scope is the last that is asked for.
 */
export const refusedIn = async (
  sql: Sql,
  scopes: readonly string[],
): Promise<readonly string[]> => {
  for (;;) {
    const unplaced =
      await sql`select from foreword_private.decision d where d.unplaced and not d.abandoned limit 1`
    if (unplaced.length === 0) break
    await sql`select foreword_code.place()`
  }
  const rows = await sql<{ id: string; scope: string }[]>`
    select d.id, d.scope
    from foreword_private.decision d
    where d.scope = any (${[...scopes]}::text[]) and d.certified_at is null and not d.abandoned
    order by d.scope, d.id`
  const refused = new Set<string>()
  for (const { id, scope } of rows) {
    if (refused.has(scope)) continue
    const why = await sql`select from foreword_code.certify(${id})`
    if (why.length > 0) refused.add(scope)
  }
  return [...refused]
}
