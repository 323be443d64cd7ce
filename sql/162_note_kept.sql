-- From when on the log is whole once these decisions have left it: by resource, by counter, by scope. What is below
-- and stays (a newer decision saw it) is not counted on.
create function foreword_code.note_kept(p_decisions uuid[]) returns void
language plpgsql as $$
begin
  with gone as materialized (
    select e.resource, e.scope, max(e.version) + 1 as kept_from, count(*) as archived
    from foreword_private.entry e
    where e.decision = any (p_decisions)
    group by e.resource, e.scope
  ),
  noted as (
    insert into foreword_private.archived_resource as a (resource, kept_from, archived)
    select g.resource, g.kept_from, g.archived
    from gone g
    order by g.resource
    on conflict (resource) do update
    set
      kept_from = greatest(a.kept_from, excluded.kept_from),
      archived = a.archived + excluded.archived
    returning a.resource, a.kept_from
  )
  insert into foreword_private.archived_scope as s (scope, kept_since, kept_xid)
  select g.scope, max(k.recorded_at), max(k.xid)
  from gone g
  join noted n on n.resource = g.resource
  cross join lateral (
    select e.recorded_at, d.xid::text::bigint as xid
    from foreword_private.entry e
    join foreword_private.decision d on d.id = e.decision
    where e.resource = n.resource and e.version = n.kept_from
    offset 0
  ) k
  group by g.scope
  order by g.scope
  on conflict (scope) do update
  set
    kept_since = greatest(s.kept_since, excluded.kept_since),
    kept_xid = greatest(s.kept_xid, excluded.kept_xid);

  insert into foreword_private.archived_counter as a (scope, metric, kept_from, archived)
  select q.scope, q.metric, max(q.version) + 1, count(*)
  from foreword_private.quota_entry q
  where q.decision = any (p_decisions)
  group by q.scope, q.metric
  order by q.scope, q.metric
  on conflict (scope, metric) do update
  set
    kept_from = greatest(a.kept_from, excluded.kept_from),
    archived = a.archived + excluded.archived;
end
$$;
