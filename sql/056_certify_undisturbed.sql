-- The everyday case of certification, set-based: a decision nothing of whose premises has a next version
-- closes no cycle with whatever has committed until now, since every cycle of serializable-but-for-a-miss
-- transactions leads out of its last member to an earlier one, by an anti-dependency. Such decisions are
-- certified, with those that they relied on, and their premises spread, so that whoever commits later finds
-- them. Returns the others, and those that relied on them.
create function foreword_code.certify_undisturbed(p_decisions uuid[]) returns uuid[]
language plpgsql as $$
#variable_conflict use_column
declare
  fresh uuid[] := foreword_code.uncertified(p_decisions);
  disturbed uuid[];
  infected uuid[];
begin
  if cardinality(fresh) = 0 then
    return '{}';
  end if;

  select coalesce(array_agg(d.id), '{}')
  into disturbed
  from foreword_private.decision d
  where
    d.id = any (fresh)
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

  infected := disturbed;
  while cardinality(infected) > 0 loop
    infected := array(
      select distinct d.id
      from foreword_private.decision d
      cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
      cross join lateral (
        select
        from foreword_private.entry e
        where e.resource = p.resource and e.version = p.version and e.decision = any (infected)
        offset 0
      ) e
      where d.id = any (fresh) and d.id <> all (disturbed)
    );
    disturbed := disturbed || infected;
  end loop;

  fresh := array(select f from unnest(fresh) f where f <> all (disturbed));
  if cardinality(fresh) > 0 then
    update foreword_private.decision d
    set certified_at = clock_timestamp()
    where d.id = any (fresh);
    perform foreword_code.spread_premises(fresh);
  end if;
  return disturbed;
end
$$;
