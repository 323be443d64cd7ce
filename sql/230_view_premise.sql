-- What each decision relied on: versions of resources, answers to predicates, counters. Of a predicate
-- it is asked whether anybody entered or left one of its labels since, by key and from the oldest
-- transaction that the decision may not have seen: recent decisions look at a handful of rows. Who came
-- with a label and stays outside for another one counts as well: the answer may then be the same.
-- That its scope was not paused every decision relied on: told of scopes that ever were.
create view foreword.premise as
select
  d.id as decision_id,
  r.scope,
  r.kind,
  r.name,
  p.version,
  null::text as predicate,
  s.version = p.version as holds
from foreword_private.decision d
cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
join foreword_private.resource r on r.id = p.resource
join foreword_private.resource_state s on s.resource = p.resource
union all
select
  d.id,
  p.scope,
  p.kind,
  null,
  null,
  format('%s with %s: %s found', p.kind, p.labels, p.found),
  case
    when exists (
    select
    from (
      select l.key, l.value
      from jsonb_each_text(p.labels) l
      union all
      select '', ''
      where p.labels = '{}'
    ) l
    cross join lateral (
      select
      from foreword_private.member_entry m
      where
        m.scope = p.scope
        and m.kind = p.kind
        and m.label = l.key
        and m.value = l.value
        and m.xid >= pg_snapshot_xmin(d.snapshot)
        and not pg_visible_in_snapshot(m.xid, d.snapshot)
        and m.decision <> d.id
      limit 1
    ) m
    ) then false
    -- Who came or left then may be archived: nobody knows any more.
    when not exists (
      select
      from foreword_private.archived_scope a
      where a.scope = p.scope and a.kept_xid >= pg_snapshot_xmin(d.snapshot)::text::bigint
    ) then true
  end
from foreword_private.decision d
cross join lateral jsonb_to_recordset(d.premise_predicates)
  as p (scope text, kind text, labels jsonb, found integer)
union all
select
  d.id,
  p.scope,
  null,
  p.metric,
  p.version,
  format('counter %s = %s', p.metric, p.consumed),
  q.version = p.version
from foreword_private.decision d
cross join lateral jsonb_to_recordset(d.premise_counters)
  as p (scope text, metric text, consumed bigint, version bigint)
left join foreword_private.quota q on q.scope = p.scope and q.metric = p.metric
union all
select
  d.id,
  d.scope,
  null,
  null,
  d.scope_version,
  format('scope %s goes on', d.scope),
  s.version = d.scope_version
from foreword_private.decision d
join foreword_private.scope s on s.scope = d.scope and s.version > 0
where d.scope_version is not null;

comment on view foreword.premise is 'Every fact that a decision relied on.';
comment on column foreword.premise.decision_id is 'The decision.';
comment on column foreword.premise.scope is 'Tenant or account.';
comment on column foreword.premise.kind is 'Kind of resource; null for a counter, and for the scope itself.';
comment on column foreword.premise.name is 'Name of the resource or of the counter''s metric; null for a predicate, and for the scope itself.';
comment on column foreword.premise.version is 'Version that was read; 0: never existed.';
comment on column foreword.premise.predicate is 'What was asked and found, for predicates and counters; that the scope was not paused.';
comment on column foreword.premise.holds is 'True while nothing newer was written; of a predicate, while no other decision has made a resource enter or leave one of its labels, or its kind where it asked for no label.';
