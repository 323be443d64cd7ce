-- Decisions and, transitively, those that they relied on, as far as they are not certified yet. A decision
-- can be no better than what it read: it is certified after its predecessors, or with them.
create function foreword_code.uncertified(p_decisions uuid[]) returns uuid[]
language plpgsql as $$
#variable_conflict use_column
declare
  found_now uuid[] := array(
    select d.id
    from foreword_private.decision d
    where d.id = any (p_decisions) and d.certified_at is null
  );
  all_found uuid[] := found_now;
begin
  while cardinality(found_now) > 0 loop
    found_now := array(
      select distinct x.id
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
      where d.id = any (found_now) and x.id <> all (all_found)
    );
    all_found := all_found || found_now;
  end loop;
  return all_found;
end
$$;
