-- Moves the counters by what the resources about to move will consume more or less than before. A
-- resource that goes keeps its share until its deletion is confirmed: the cloud still counts it.
create function foreword_code.move_counters(p_changes jsonb) returns void
language sql as $$
  with change as materialized (
    select c.scope, s.counters as old_counters, c.counters as new_counters
    from jsonb_to_recordset(p_changes) as c (resource uuid, scope text, counters jsonb)
    join foreword_private.resource_state s on s.resource = c.resource
    where c.counters is not null
  ),
  delta as (
    select d.scope, d.metric, sum(d.amount) as amount
    from (
      select c.scope, n.key as metric, n.value::bigint as amount
      from change c
      cross join lateral jsonb_each_text(c.new_counters) n
      union all
      select c.scope, o.key, -o.value::bigint
      from change c
      cross join lateral jsonb_each_text(c.old_counters) o
    ) d
    group by d.scope, d.metric
    having sum(d.amount) <> 0
  )
  update foreword_private.quota q
  set
    consumed = q.consumed + d.amount::bigint,
    version = q.version + 1
  from delta d
  where q.scope = d.scope and q.metric = d.metric;
$$;
