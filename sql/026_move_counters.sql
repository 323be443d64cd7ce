-- Moves the counters by what the resources about to move will consume more or less than before, and
-- notes who did. A resource that goes keeps its share until its deletion is confirmed: the cloud still
-- counts it. Counters are reached by their whole keys, one by one: a plan made while the table was tiny
-- begins with it, and reads it all. FW024: one would hold more than every client can read as a number.
create function foreword_code.move_counters(p_changes jsonb) returns void
language plpgsql as $$
declare
  consumed_max constant bigint := 9007199254740991;
  share record;
  moved bigint;
begin
  for share in
    with change as materialized (
      select c.decision, c.scope, s.counters as old_counters, c.counters as new_counters
      from jsonb_to_recordset(p_changes) as c (decision uuid, resource uuid, scope text, counters jsonb)
      cross join lateral (
        select s.counters
        from foreword_private.resource_state s
        where s.resource = c.resource
        offset 0
      ) s
      where c.counters is not null
    ),
    part as (
      select d.decision, d.scope, d.metric, sum(d.amount) as amount
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
    )
    select
      p.scope,
      p.metric,
      sum(p.amount) as amount,
      array_agg(p.decision) as decisions,
      array_agg(p.amount) as amounts
    from part p
    group by p.scope, p.metric
    order by p.scope, p.metric
  loop
    update foreword_private.quota q
    set
      consumed = q.consumed + share.amount,
      version = q.version + 1
    where
      q.scope = share.scope
      and q.metric = share.metric
      and q.consumed + share.amount between -consumed_max and consumed_max
    returning q.version into moved;
    if
      moved is null
      and exists (
        select from foreword_private.quota q where q.scope = share.scope and q.metric = share.metric
      )
    then
      raise exception 'the counter % would come to more than %', quote_literal(share.metric), consumed_max
        using errcode = 'FW024', hint = 'Count in a larger unit.';
    end if;
    -- A metric without a row, which prepare makes, has no version: that is an error, not a count of nothing.
    insert into foreword_private.quota_entry (scope, metric, version, decision, amount)
    select share.scope, share.metric, moved, a.decision, a.amount
    from unnest(share.decisions, share.amounts) as a (decision, amount);
  end loop;
end
$$;
