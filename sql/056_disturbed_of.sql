-- Decisions some of whose premises have next versions by now, and those that relied on such, or on others that
-- are not certified. Every cycle of serializable-but-for-a-miss transactions leads out of its last member to an
-- earlier one, by an anti-dependency: a decision nothing of whose premises has moved closes none with whatever
-- has committed until now.
create function foreword_code.disturbed_of(p_decisions uuid[]) returns uuid[]
language plpgsql as $$
#variable_conflict use_column
declare
  disturbed uuid[];
  infected uuid[];
  readers uuid[];
  writers uuid[];
begin
  select coalesce(array_agg(d.id), '{}')
  into disturbed
  from foreword_private.decision d
  where
    d.id = any (p_decisions)
    and (
      exists (
        select
        from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
        cross join lateral (
          select
          from foreword_private.entry e
          where e.resource = p.resource and e.version = p.version + 1 and e.decision <> d.id
          offset 0
        ) e
      )
      or exists (
        select
        from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
        cross join lateral (
          select
          from foreword_private.quota_entry q
          where
            q.scope = c.scope
            and q.metric = c.metric
            and q.version = c.version + 1
            and q.decision <> d.id
          offset 0
        ) q
      )
      or exists (
        select
        from jsonb_to_recordset(d.premise_predicates)
          as f (scope text, kind text, label text, value text)
        cross join lateral (
          select
          from foreword_private.member_entry m
          where
            m.scope = f.scope
            and m.kind = f.kind
            and m.label = f.label
            and m.value = f.value
            and m.xid >= pg_snapshot_xmin(d.snapshot)
            and not pg_visible_in_snapshot(m.xid, d.snapshot)
            and m.decision <> d.id
          offset 0
        ) m
      )
    );

  select array_agg(d.id), array_agg(x.id)
  into readers, writers
  from foreword_private.decision d
  cross join lateral (
    select e.decision
    from unnest(d.premise_resources, d.premise_versions) as p (resource, version)
    cross join lateral (
      select e.decision
      from foreword_private.entry e
      where e.resource = p.resource and e.version = p.version
      offset 0
    ) e
    union all
    select q.decision
    from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
    cross join lateral (
      select q.decision
      from foreword_private.quota_entry q
      where q.scope = c.scope and q.metric = c.metric and q.version = c.version
      offset 0
    ) q
  ) w
  cross join lateral (
    select x.id
    from foreword_private.decision x
    where x.id = w.decision and x.certified_at is null
    offset 0
  ) x
  where d.id = any (p_decisions);

  loop
    infected := array(
      select distinct r.reader
      from unnest(readers, writers) as r (reader, writer)
      where
        r.reader <> all (disturbed)
        and (r.writer <> all (p_decisions) or r.writer = any (disturbed))
    );
    exit when cardinality(infected) = 0;
    disturbed := disturbed || infected;
  end loop;
  return disturbed;
end
$$;
