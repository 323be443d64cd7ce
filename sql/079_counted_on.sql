-- Whether a decision has seen room, in a counter or a predicate, that this intent was to make.
create function foreword_code.counted_on(p_decision uuid, p_resource uuid, p_version bigint) returns boolean
language sql as $$
  select
    exists (
      select
      from foreword_private.yielding y
      cross join foreword_private.decision d
      where
        y.resource = p_resource
        and y.version = p_version
        and d.id = p_decision
        and (
          exists (
            select
            from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
            where y.key = foreword_code.counter_key(c.scope, c.metric) and y.at <= c.version
          )
          or exists (
            select
            from jsonb_to_recordset(d.premise_predicates)
              as f (scope text, kind text, label text, value text)
            where
              y.key = foreword_code.member_key(f.scope, f.kind, f.label, f.value)
              and pg_visible_in_snapshot(y.at::text::xid8, d.snapshot)
          )
        )
    );
$$;
