/** A settled world of any size as the page's search meets it: names, labels, states, entries and looks. */
import type { Sql } from '../../src/store/connect.ts'

/**
 * `r-1` … in three scopes and four kinds, each seen as it is assumed to be; about one in a thousand is labelled
 * role=web, all are labelled tier=all, and about one in five hundred is in doubt.
 */
export const seedResources = async (sql: Sql, size: number): Promise<void> => {
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      select foreword_code.resource_id(x.scope, x.kind, x.name), x.scope, x.kind, x.name
      from (
        select
          'acme/' || (array['prod', 'dev', 'test'])[1 + i % 3] as scope,
          (array['vm', 'dns_record', 'ip', 'network'])[1 + (i / 3) % 4] as kind,
          'r-' || i as name
        from generate_series(1, ${size}::integer) as i
      ) x`
    await tx`
      insert into foreword_private.resource_state (resource, version, assumed, labels)
      select
        r.id,
        1,
        '{"size": "s"}',
        case
          when hashtext(r.name) % 1000 = 0 then '{"role": "web", "tier": "all"}'::jsonb
          else '{"tier": "all"}'
        end
      from foreword_private.resource r`
    await tx`
      insert into foreword_private.decision (id, scope, decider, snapshot, xid, unplaced, certified_at)
      select gen_random_uuid(), 'acme', 'seed', pg_current_snapshot(), pg_current_xact_id(), false, now()`
    await tx`
      insert into foreword_private.entry (
        resource, version, scope, kind, decision, cause, verb, assumed, state, settled_at, attempts
      )
      select
        r.id,
        1,
        r.scope,
        r.kind,
        (select d.id from foreword_private.decision d),
        'intent',
        'create',
        '{"size": "s"}',
        case when hashtext(r.name) % 500 = 1 then 'in_doubt' else 'confirmed' end,
        case when hashtext(r.name) % 500 = 1 then null else now() end,
        1
      from foreword_private.resource r`
    await tx`
      insert into foreword_private.observation (resource, observed, observed_at)
      select r.id, '{"size": "s"}', now()
      from foreword_private.resource r`
    await tx`
      insert into foreword_private.member (key, scope, kind, label, value, resource, name)
      select
        foreword_code.member_key(r.scope, r.kind, l.key, l.value),
        r.scope,
        r.kind,
        l.key,
        l.value,
        r.id,
        r.name
      from foreword_private.resource r
      join foreword_private.resource_state s on s.resource = r.id
      cross join lateral jsonb_each_text(s.labels || '{"": ""}') l`
  })
  await sql`vacuum analyze`
}
