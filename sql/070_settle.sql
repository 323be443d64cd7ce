-- Writes outcomes and looks back, set-based. The entry moves only for the lease that is asking: a
-- worker that was taken over (its epoch is old) is refused. What it learned of the outside, the external id above
-- all, is kept with its attempt, and as the resource's only where nobody knows better (069): the resource may be another
-- one by now, and the next call would be made on one that is gone. What is gone for certain loses its external id.
-- Who waited for what is through now is let go. Returns the entries that moved.
-- plpgsql keeps the plan, which may have been made when the log was young: whichever side it begins with, and by
-- whichever index, it must read nothing but what is settled here. Hence `= any`, and no predicate of a partial index.
create function foreword_code.settle(p_worker bigint, p_results jsonb) returns setof bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_mergejoin = off
set enable_bitmapscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  moved bigint[];
  through bigint[];
begin
  with result as materialized (
    select *
    from jsonb_to_recordset(p_results) as r (
      entry bigint,
      resource uuid,
      epoch bigint,
      number integer,
      state text,
      due_in_ms bigint,
      reason text,
      looks integer,
      outcome text,
      error_class text,
      error text,
      response jsonb,
      external_id text,
      outputs jsonb,
      operation jsonb,
      seen boolean,
      observed jsonb,
      condition text,
      revision text
    )
  ),
  ended as (
    update foreword_private.attempt a
    set
      outcome = coalesce(a.outcome, r.outcome),
      ended_at = case when r.outcome is null then a.ended_at else coalesce(a.ended_at, clock_timestamp()) end,
      operation = coalesce(r.operation, a.operation),
      error_class = coalesce(a.error_class, r.error_class),
      error = coalesce(a.error, r.error),
      response = coalesce(a.response, r.response),
      external_id = coalesce(r.external_id, a.external_id),
      outputs = coalesce(r.outputs, a.outputs)
    from result r
    where
      (r.outcome is not null or r.operation is not null)
      and a.entry = r.entry
      and a.number = r.number
      and a.entry = any (array(select x.entry from result x))
  ),
  moving as (
    update foreword_private.entry e
    set
      state = r.state,
      due_at = clock_timestamp() + r.due_in_ms * interval '1 ms',
      reason = r.reason,
      looks = coalesce(r.looks, 0),
      worker = null,
      applied_at = case
        -- Called again, it has as long to show as before.
        when r.outcome = 'applied' then clock_timestamp()
        when r.state in ('applied', 'confirmed') then coalesce(e.applied_at, clock_timestamp())
        else e.applied_at
      end,
      settled_at = case when r.state in ('confirmed', 'stale', 'cancelled') then clock_timestamp() end
    from result r
    where
      e.id = r.entry
      and e.id = any (array(select x.entry from result x))
      and e.epoch = r.epoch
      and e.worker is not distinct from p_worker
      and coalesce(e.settled_at, '-infinity') = '-infinity'
    returning e.id, e.settled_at
  ),
  seen as (
    insert into foreword_private.observation as o (
      resource, observed, observed_at, external_id, outputs, revision, condition
    )
    select
      r.resource,
      r.observed,
      case when r.seen then clock_timestamp() end,
      -- One look is no proof that it is gone, and the next one, or the next call, would be of another one of its name.
      case
        when r.seen and r.observed is null and r.external_id is null and r.state <> 'confirmed'
        then (select k.external_id from foreword_private.observation k where k.resource = r.resource)
        else r.external_id
      end,
      case
        when r.seen and r.observed is null and r.outputs is null and r.state <> 'confirmed'
        then coalesce((select k.outputs from foreword_private.observation k where k.resource = r.resource), '{}')
        else coalesce(r.outputs, '{}')
      end,
      r.revision,
      coalesce(r.condition, 'ready')
    from result r
    where
      (r.seen or r.external_id is not null or r.outputs is not null)
      and r.entry = any (array(select m.id from moving m))
    on conflict (resource) do update
    set
      observed = case when excluded.observed_at is null then o.observed else excluded.observed end,
      observed_at = coalesce(excluded.observed_at, o.observed_at),
      external_id = case
        when excluded.observed_at is not null and excluded.observed is null then excluded.external_id
        else coalesce(excluded.external_id, o.external_id)
      end,
      outputs = case
        when excluded.observed_at is not null and excluded.observed is null then excluded.outputs
        when excluded.outputs = '{}' then o.outputs
        else excluded.outputs
      end,
      revision = coalesce(excluded.revision, o.revision),
      condition = excluded.condition
  ),
  repaired as (
    update foreword_private.drift d
    set resolved_at = clock_timestamp()
    from result r
    where
      r.state = 'confirmed'
      and r.seen
      and r.entry = any (array(select m.id from moving m))
      and d.resource = r.resource
      and d.resolved_at is null
      -- Asked once: most of the time nothing has drifted.
      and exists (select from foreword_private.drift x where x.resolved_at is null)
  )
  select
    array_agg(m.id),
    array_agg(m.id) filter (where m.settled_at is not null)
  into moved, through
  from moving m;
  if through is not null then
    perform foreword_code.let_go(through);
  end if;
  if jsonb_array_length(p_results) > coalesce(cardinality(moved), 0) then
    perform foreword_code.keep_late(p_results, coalesce(moved, '{}'));
  end if;
  return query
  select unnest(moved);
end
$$;
