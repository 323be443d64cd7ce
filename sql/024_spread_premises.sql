-- Spreads what decisions relied on into the table that is looked up by resource, where certification
-- finds who read a version. plpgsql, since it keeps its plans.
create function foreword_code.spread_premises(p_decisions uuid[]) returns void
language plpgsql as $$
begin
  insert into foreword_private.premise (resource, version, decision)
  select r.resource, r.version, d.id
  from foreword_private.decision d
  cross join lateral unnest(d.premise_resources, d.premise_versions) as r (resource, version)
  where d.id = any (p_decisions)
  on conflict do nothing;
  perform foreword_code.spread_asked(p_decisions);
end
$$;

-- Counters that were read stand there under their key and version; predicates under their key and the xmax of the
-- reader's snapshot: whatever committed with a later xid it cannot have seen.
create function foreword_code.spread_asked(p_decisions uuid[]) returns void
language plpgsql as $$
begin
  insert into foreword_private.premise (resource, version, decision)
  select p.resource, p.version, d.id
  from foreword_private.decision d
  cross join lateral (
    select foreword_code.counter_key(c.scope, c.metric), c.version
    from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
    where d.premise_counters <> '[]'
    union all
    select
      foreword_code.member_key(f.scope, f.kind, f.label, f.value),
      pg_snapshot_xmax(d.snapshot)::text::bigint
    from jsonb_to_recordset(d.premise_predicates)
      as f (scope text, kind text, label text, value text)
    where d.premise_predicates <> '[]' and f.label is not null
  ) as p (resource, version)
  where d.id = any (p_decisions)
  on conflict do nothing;
end
$$;
