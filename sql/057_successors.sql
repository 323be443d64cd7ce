-- What of an intent was taken back, or will be: it never had an effect, and orders nobody.
create function foreword_code.is_withdrawn(p_cause text, p_state text) returns boolean
language sql immutable parallel safe
return p_cause = 'intent' and p_state in ('stale', 'cancelled', 'rejected');

create function foreword_code.name_of(p_resource uuid) returns text
language sql stable
return coalesce(
  (select r.kind || '/' || r.name from foreword_private.resource r where r.id = p_resource),
  p_resource::text
);

-- A decision all of whose entries were taken back is no part of the order, as in the audit
-- (src/audit/serialization-graph.ts). One without entries, which gives back what was consumed, is.
create function foreword_code.takes_part(p_decision uuid) returns boolean
language sql stable
return coalesce(
  (
    select bool_or(not foreword_code.is_withdrawn(e.cause, e.state))
    from foreword_private.entry e
    where e.decision = p_decision
  ),
  true
);

-- Who wrote the next version of a resource that was not taken back.
create function foreword_code.replaced_by(p_resource uuid, p_version bigint)
returns table (decision uuid)
language sql stable as $$
  select e.decision
  from foreword_private.entry e
  where
    e.resource = p_resource
    and e.version > p_version
    and not foreword_code.is_withdrawn(e.cause, e.state)
  order by e.version
  limit 1;
$$;

-- Who, of those that take part, moved a counter on to its next version: several, where they shared a transaction.
create function foreword_code.moved_on_by(p_scope text, p_metric text, p_version bigint)
returns table (decision uuid)
language sql stable as $$
  select q.decision
  from foreword_private.quota_entry q
  where
    q.scope = p_scope
    and q.metric = p_metric
    and q.version = (
      select n.version
      from foreword_private.quota_entry n
      where
        n.scope = p_scope
        and n.metric = p_metric
        and n.version > p_version
        and foreword_code.takes_part(n.decision)
      order by n.version
      limit 1
    )
  offset 0;
$$;

-- Edges of the serialization graph that lead out of decisions (Adya: ww, wr, rw), to others that take part:
--   rw  it read a version that the other replaced, or a predicate that the other entered or left unseen
--   wr  the other read what it wrote
--   ww  the other replaced what it wrote
-- Every neighbour is looked up by a key, behind offset 0: a join planned while the log was small would read all
-- of it. Withdrawn versions are passed over. Premises that are not spread yet are not found by wr: whichever
-- member of a cycle is certified last finds those of all others spread.
create function foreword_code.successors(p_decisions uuid[])
returns table (decision uuid, successor uuid, edge text, why text)
language sql as $$
  with node as materialized (
    select d.*
    from foreword_private.decision d
    where d.id = any (p_decisions)
  ),
  written as materialized (
    select n.id, e.resource, e.version
    from node n
    cross join lateral (
      select e.resource, e.version
      from foreword_private.entry e
      where e.decision = n.id and not foreword_code.is_withdrawn(e.cause, e.state)
      offset 0
    ) e
  ),
  counted as materialized (
    select n.id, q.scope, q.metric, q.version
    from node n
    cross join lateral (
      select q.scope, q.metric, q.version
      from foreword_private.quota_entry q
      where q.decision = n.id
      offset 0
    ) q
  ),
  edge as (
    select
      n.id,
      e.decision as successor,
      'rw' as edge,
      format('read %s v%s, replaced by', foreword_code.name_of(p.resource), p.version) as why
    from node n
    cross join lateral unnest(n.premise_resources, n.premise_versions) as p (resource, version)
    cross join lateral foreword_code.replaced_by(p.resource, p.version) e
    union all
    select n.id, q.decision, 'rw', format('read counter %s v%s, replaced by', c.metric, c.version)
    from node n
    cross join lateral jsonb_to_recordset(n.premise_counters)
      as c (scope text, metric text, version bigint)
    cross join lateral foreword_code.moved_on_by(c.scope, c.metric, c.version) q
    union all
    select
      n.id,
      m.decision,
      'rw',
      format('asked for %s%s, %s by', f.kind, nullif(' ' || f.label || '=' || f.value, ' ='),
        case when m.entered then 'joined' else 'left' end)
    from node n
    cross join lateral jsonb_to_recordset(n.premise_predicates)
      as f (scope text, kind text, label text, value text)
    cross join lateral (
      select m.decision, m.entered
      from foreword_private.member_entry m
      where
        m.scope = f.scope
        and m.kind = f.kind
        and m.label = f.label
        and m.value = f.value
        and m.xid >= pg_snapshot_xmin(n.snapshot)
        and not pg_visible_in_snapshot(m.xid, n.snapshot)
      offset 0
    ) m
    union all
    select
      w.id,
      e.decision,
      'ww',
      format('wrote %s v%s, replaced by', foreword_code.name_of(w.resource), w.version)
    from written w
    cross join lateral foreword_code.replaced_by(w.resource, w.version) e
    union all
    select c.id, q.decision, 'ww', format('moved counter %s to v%s, moved on by', c.metric, c.version)
    from counted c
    cross join lateral foreword_code.moved_on_by(c.scope, c.metric, c.version) q
    union all
    select
      w.id,
      p.decision,
      'wr',
      format('wrote %s v%s, read by', foreword_code.name_of(w.resource), w.version)
    from written w
    cross join lateral (
      select p.decision
      from foreword_private.premise p
      where p.resource = w.resource and p.version = w.version
      offset 0
    ) p
    union all
    select c.id, p.decision, 'wr', format('moved counter %s to v%s, read by', c.metric, c.version)
    from counted c
    cross join lateral (
      select p.decision
      from foreword_private.premise p
      where p.resource = foreword_code.counter_key(c.scope, c.metric) and p.version = c.version
      offset 0
    ) p
    union all
    select
      m.decision,
      p.decision,
      'wr',
      format('%s %s%s, seen by', case when m.entered then 'joined' else 'left' end, m.kind,
        nullif(' ' || m.label || '=' || m.value, ' ='))
    from node n
    cross join lateral (
      select m.*
      from foreword_private.member_entry m
      where m.decision = n.id
      offset 0
    ) m
    cross join lateral (
      select p.decision
      from foreword_private.premise p
      where
        p.resource = foreword_code.member_key(m.scope, m.kind, m.label, m.value)
        and p.version > m.xid::text::bigint
      offset 0
    ) p
    cross join lateral (
      select
      from foreword_private.decision r
      where r.id = p.decision and pg_visible_in_snapshot(m.xid, r.snapshot)
      offset 0
    ) r
  )
  select x.id, x.successor, x.edge, x.why
  from (
    select distinct on (e.id, e.successor) e.id, e.successor, e.edge, e.why
    from edge e
    where e.successor <> e.id
    order by e.id, e.successor, e.edge
    offset 0
  ) x
  where foreword_code.takes_part(x.successor);
$$;
