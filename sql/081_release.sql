-- Gives back what a resource consumed, once its deletion was seen: a decision like any other, since
-- whoever has read a counter relied on it. Does nothing when there is nothing to give back, or when the
-- resource is to be made again: its counters moved with that decision, and go with its own end. And ends the wish that
-- it be absent: also where others have made it anew meanwhile, if this is the deletion that the wish has led to.
-- Idempotent.
create function foreword_code.release(p_id uuid, p_resource uuid, p_version bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
declare
  released record;
begin
  -- Whoever wanted it absent has what he wanted: what comes after this is not his.
  update foreword_private.desired d
  set
    ended_at = clock_timestamp(),
    -- Whoever is about to act on it must look again.
    generation = d.generation + 1
  where
    d.resource = p_resource
    and d.spec is null
    and d.ended_at is null
    and (
      (
        exists (
          select
          from foreword_private.resource_state s
          where s.resource = p_resource and s.assumed is null
        )
        and not exists (
          select
          from foreword_private.entry e
          where e.resource = p_resource and e.version > p_version and e.settled_at is null
        )
      )
      or (
        d.acted_generation = d.generation
        and exists (
          select
          from foreword_private.entry e
          where
            e.resource = p_resource
            and e.version = p_version
            and e.verb = 'delete'
            and e.recorded_at >= d.wanted_at
        )
      )
    );
  select r.scope, s.counters, s.version
  into released
  from foreword_private.resource_state s
  join foreword_private.resource r on r.id = s.resource
  where
    s.resource = p_resource
    and s.assumed is null
    and s.counters <> '{}'
    and not exists (
      select
      from foreword_private.entry e
      where e.resource = p_resource and e.version > p_version and e.settled_at is null
    );
  if released is null then
    return;
  end if;

  insert into foreword_private.decision (
    id,
    scope,
    decider,
    decider_version,
    actor,
    reason,
    premise_resources,
    premise_versions,
    snapshot,
    xid,
    certified_at
  )
  values (
    p_id,
    released.scope,
    'foreword/release',
    1,
    'foreword',
    'its deletion was seen',
    array[p_resource],
    array[released.version],
    foreword_code.log_snapshot(),
    foreword_code.log_xid(),
    clock_timestamp()
  );
  perform foreword_code.spread_premises(array[p_id]);
  perform foreword_code.move_counters(
    jsonb_build_array(
      jsonb_build_object(
        'decision', p_id,
        'resource', p_resource,
        'scope', released.scope,
        'counters', jsonb_build_object()
      )
    )
  );
  update foreword_private.resource_state s
  set counters = '{}'
  where s.resource = p_resource;
end
$$;
