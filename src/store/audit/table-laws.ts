/**
 * The laws of the log's tables as set-based queries: each returns a row for each breach, and a query of
 * how many rows it was held against. What they mean is in src/audit/audit.ts.
 */
import type { TableLaw } from '../../domain/audit-ports.ts'
import {
  attempts_are_counted,
  effects_were_attempted,
  one_open_attempt,
  rulings_were_due,
} from './attempt-laws.ts'
import { named, type LawSql } from './law-sql.ts'

const versions_without_gaps: LawSql = {
  checked: 'select count(*) from foreword_private.resource_state',
  breaches: `
    select
      ${named('coalesce(s.resource, e.resource)')} as subject,
      format(
        '%s entries, versions %s to %s%s, its state says %s',
        coalesce(e.entries, 0), e.lowest, e.highest,
        ', and ' || a.archived || ' archived, all below ' || a.kept_from,
        coalesce(s.version::text, 'nothing')
      ) as what
    from foreword_private.resource_state s
    full join (
      select
        x.resource,
        count(*) as entries,
        min(x.version) as lowest,
        max(x.version) as highest,
        count(*) filter (where x.version >= k.kept_from) as kept
      from foreword_private.entry x
      left join foreword_private.archived_resource k on k.resource = x.resource
      group by x.resource
    ) e on e.resource = s.resource
    left join foreword_private.archived_resource a on a.resource = coalesce(s.resource, e.resource)
    where
      s.version is distinct from coalesce(e.highest, 0)
      or e.entries + coalesce(a.archived, 0) <> e.highest
      or (a.resource is null and e.lowest <> 1)
      -- From there on all are kept; below are some that newer decisions saw.
      or (a.resource is not null and coalesce(e.kept, 0) <> coalesce(e.highest, 0) - a.kept_from + 1)`,
}

/** Where the entry of the state's version is missing, the law of versions speaks. */
const state_is_newest_entry: LawSql = {
  checked: 'select count(*) from foreword_private.resource_state',
  breaches: `
    select
      ${named('s.resource')} as subject,
      concat_ws(
        '; ',
        case when s.assumed is distinct from e.assumed
          then format('assumed %s, its newest entry says %s',
            coalesce(s.assumed::text, 'absent'), coalesce(e.assumed::text, 'absent')) end,
        case when s.labels <> coalesce(e.labels, '{}')
          then format('labels %s, its newest entry says %s', s.labels, coalesce(e.labels, '{}')) end,
        case when s.decision is distinct from e.decision
          then format('decision %s, its newest entry says %s',
            coalesce(s.decision::text, 'none'), coalesce(e.decision::text, 'none')) end,
        case when s.counters <> coalesce(e.counters, '{}')
            and not (s.assumed is null and s.counters = '{}')
          then format('counters %s, its newest entry says %s',
            s.counters, coalesce(e.counters, '{}')) end
      ) as what
    from foreword_private.resource_state s
    left join foreword_private.entry e on e.resource = s.resource and e.version = s.version
    where
      (s.version = 0 or e.version is not null)
      and (
        s.assumed is distinct from e.assumed
        or s.labels <> coalesce(e.labels, '{}')
        or s.decision is distinct from e.decision
        or (
          s.counters <> coalesce(e.counters, '{}')
          -- A deletion that was seen gives its counters back without an entry.
          and not (s.assumed is null and s.counters = '{}')
        )
      )`,
}

/** Decisions that are not there are sought in two indexes side by side; joining both tables took ten times as long. */
const entries_are_decided: LawSql = {
  checked: 'select count(*) from foreword_private.entry',
  breaches: `
    select
      'entry ' || e.id || ', ' || ${named('e.resource')} as subject,
      case when d.id is null
        then format('no decision %s', e.decision)
        when d.archive is not null then format('decision %s is archived', e.decision)
        else format('decision %s was abandoned: it never committed', e.decision)
      end as what
    from (
      select x.decision
      from foreword_private.entry x
      where not exists (select from foreword_private.decision d where d.id = x.decision)
      union
      select a.id
      from foreword_private.decision a
      where a.abandoned or a.archive is not null
    ) l
    join foreword_private.entry e on e.decision = l.decision
    left join foreword_private.decision d on d.id = l.decision`,
}

/** Once check constraints, which Postgres parses anew for each statement: a tenth of a decision. */
const states_are_lawful: LawSql = {
  checked: 'select count(*) from foreword_private.entry',
  breaches: `
    select
      'entry ' || e.id || ', ' || ${named('e.resource')} as subject,
      format(
        '%s of cause %s, %s%s%s',
        e.state, e.cause,
        case when e.settled_at is null then 'open' else 'settled' end,
        case when e.due_at is not null then ', due' end,
        case when e.worker is not null then ', leased' end
      ) as what
    from foreword_private.entry e
    where not case
      when e.cause in ('observation', 'withdrawal', 'ruling')
        then e.state = 'recorded' and e.settled_at is not null
      when e.cause <> 'intent' then false
      when e.state in ('confirmed', 'stale', 'cancelled') then e.settled_at is not null
      when e.state = 'rejected' then true
      else
        e.state in ('awaiting_approval', 'pending', 'applying', 'accepted', 'applied', 'in_doubt')
        and e.settled_at is null
        and (e.state <> 'applying' or e.worker is not null)
    end
    or e.settled_at is not null and e.due_at is not null
    or cardinality(e.after_resources) <> cardinality(e.after_versions)`,
}

const quotas_add_up: LawSql = {
  checked: 'select count(*) from foreword_private.quota',
  breaches: `
    select
      coalesce(q.metric, c.metric) || ' in ' || coalesce(q.scope, c.scope) as subject,
      format('consumed %s, its resources consume %s',
        coalesce(q.consumed::text, 'is not counted'), coalesce(c.consumed, 0)) as what
    from foreword_private.quota q
    full join (
      select r.scope, k.key as metric, sum(k.value::bigint) as consumed
      from foreword_private.resource_state s
      join foreword_private.resource r on r.id = s.resource
      cross join lateral jsonb_each_text(s.counters) k
      where s.counters <> '{}'
      group by r.scope, k.key
    ) c on c.scope = q.scope and c.metric = q.metric
    where coalesce(q.consumed, 0) <> coalesce(c.consumed, 0)`,
}

const the_gone_consume_nothing: LawSql = {
  checked:
    'select count(*) from foreword_private.resource_state where assumed is null and version > 0',
  breaches: `
    select ${named('s.resource')} as subject, format('gone, and still consumes %s', s.counters) as what
    from foreword_private.resource_state s
    where
      s.assumed is null
      and s.counters <> '{}'
      and not exists (
        select
        from foreword_private.entry e
        where e.resource = s.resource and e.settled_at is null
      )`,
}

/** The row of empty names is nobody's: it is there to be locked. */
const members_match_labels: LawSql = {
  checked: `select count(*) from foreword_private.member where scope <> ''`,
  breaches: `
    select
      coalesce(h.kind, m.kind) || '/' || coalesce(h.name, m.name)
        || ' in ' || coalesce(h.scope, m.scope) as subject,
      case when m.resource is null then 'not found by ' else 'still found by ' end
        || case when coalesce(h.label, m.label) = '' then 'its kind'
             else format('%s=%s', coalesce(h.label, m.label), coalesce(h.value, m.value)) end as what
    from (
      select r.scope, r.kind, r.name, s.resource, l.label, l.value
      from foreword_private.resource_state s
      join foreword_private.resource r on r.id = s.resource
      cross join lateral (
        select '' as label, '' as value
        union all
        select key, value from jsonb_each_text(s.labels)
      ) l
      where s.assumed is not null
    ) h
    full join (select * from foreword_private.member where scope <> '') m
      on m.resource = h.resource and m.label = h.label and m.value = h.value
        and m.scope = h.scope and m.kind = h.kind and m.name = h.name
        and m.key = foreword_code.member_key(h.scope, h.kind, h.label, h.value)
    where h.resource is null or m.resource is null`,
}

const noted = ['resource_state', 'entry', 'desired', 'observation', 'drift'] as const
const unknown = 'not exists (select from foreword_private.resource r where r.id = x.resource)'

/** Premises of counters and predicates stand among those of resources, each under a key of its own. */
const references_resolve: LawSql = {
  checked: `select ${[...noted, 'premise'].map((table) => `(select count(*) from foreword_private.${table})`).join(' + ')}`,
  breaches: `
    ${noted
      .map(
        (table) => `
    select 'resource ' || x.resource as subject, 'unknown, and there is ${table} of it' as what
    from (select distinct resource from foreword_private.${table}) x
    where ${unknown}
    union all`,
      )
      .join('')}
    select 'resource ' || y.resource, 'unknown, and there is premise of it'
    from (
      select distinct on (x.resource) x.resource, x.decision
      from foreword_private.premise x
      where ${unknown}
    ) y
    left join foreword_private.decision d on d.id = y.decision
    where
      not exists (
        select
        from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text)
        where foreword_code.counter_key(c.scope, c.metric) = y.resource
      )
      and not exists (
        select
        from jsonb_to_recordset(d.premise_predicates)
          as f (scope text, kind text, label text, value text)
        where foreword_code.member_key(f.scope, f.kind, f.label, f.value) = y.resource
      )`,
}

/** Of decisions the tombstones are counted, of entries what each resource lacks. */
const archives_add_up: LawSql = {
  checked: 'select count(*) from foreword_private.archive',
  breaches: `
    select
      'archive ' || coalesce(a.id, d.archive) as subject,
      format('%s decisions left with it, its record says %s',
        coalesce(d.decisions, 0), coalesce(a.decisions::text, 'nothing')) as what
    from foreword_private.archive a
    full join (
      select archive, count(*) as decisions
      from foreword_private.decision
      where archive is not null
      group by archive
    ) d on d.archive = a.id
    where a.decisions is distinct from d.decisions
    union all
    select
      'the archive',
      format('%s entries left by its records, its resources lack %s', r.entries, k.archived)
    from (
      select coalesce(sum(entries), 0) as entries from foreword_private.archive
    ) r
    cross join (
      select coalesce(sum(archived), 0) as archived from foreword_private.archived_resource
    ) k
    where r.entries <> k.archived`,
}

export const tableLaws: Readonly<Record<TableLaw, LawSql>> = {
  versions_without_gaps,
  state_is_newest_entry,
  entries_are_decided,
  states_are_lawful,
  effects_were_attempted,
  one_open_attempt,
  attempts_are_counted,
  rulings_were_due,
  quotas_add_up,
  the_gone_consume_nothing,
  members_match_labels,
  references_resolve,
  archives_add_up,
}
