-- Moves the counters by what the resources about to move will consume more or less than before, and
-- notes who did. A resource that goes keeps its share until its deletion is confirmed: the cloud still
-- counts it.
create function foreword_code.move_counters(p_changes jsonb) returns void
language sql as $$
  with change as materialized (
    select c.decision, c.scope, s.counters as old_counters, c.counters as new_counters
    from jsonb_to_recordset(p_changes) as c (decision uuid, resource uuid, scope text, counters jsonb)
    join foreword_private.resource_state s on s.resource = c.resource
    where c.counters is not null
  ),
  share as materialized (
    select d.decision, d.scope, d.metric, sum(d.amount)::bigint as amount
    from (
      select c.decision, c.scope, n.key as metric, n.value::bigint as amount
      from change c
      cross join lateral jsonb_each_text(c.new_counters) n
      union all
      select c.decision, c.scope, o.key, -o.value::bigint
      from change c
      cross join lateral jsonb_each_text(c.old_counters) o
    ) d
    group by d.decision, d.scope, d.metric
    having sum(d.amount) <> 0
  ),
  moved as (
    update foreword_private.quota q
    set
      consumed = q.consumed + d.amount,
      version = q.version + 1
    from (
      select s.scope, s.metric, sum(s.amount)::bigint as amount
      from share s
      group by s.scope, s.metric
    ) d
    where q.scope = d.scope and q.metric = d.metric
    returning q.scope, q.metric, q.version
  )
  insert into foreword_private.quota_entry (scope, metric, version, decision, amount)
  -- A metric without a row, which prepare makes, has no version: that is an error, not a count of nothing.
  select s.scope, s.metric, m.version, s.decision, s.amount
  from share s
  left join moved m on m.scope = s.scope and m.metric = s.metric;
$$;
