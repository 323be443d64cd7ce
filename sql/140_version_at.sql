-- Which version of a resource was the newest at a time; 0: none yet. A version counts from the moment that its
-- decision was written, one moment for all that the decision wrote. That is where `decided_at` stands, shortly
-- before the commit; each version was written by somebody who had seen the one before as committed, so of one
-- resource these moments are in the order of versions, by one clock.
-- (An entry is written after its decision: what stands in it by then needs no look at the decision.)
create function foreword_code.version_at(p_resource uuid, p_at timestamptz) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  looked_at constant integer := 16;
  low bigint;
  high bigint;
  middle bigint;
  kept_from bigint;
begin
  -- Most have few versions, or are asked for one of the last.
  select
    max(e.version) filter (
      where
        e.recorded_at <= p_at
        or (select d.decided_at from foreword_private.decision d where d.id = e.decision) <= p_at
    ),
    min(e.version) - 1
  into low, high
  from (
    select e.version, e.recorded_at, e.decision
    from foreword_private.entry e
    where e.resource = p_resource
    order by e.version desc
    limit looked_at
  ) e;
  kept_from := foreword_code.kept_from(p_resource);
  if low is not null or high is null then
    low := coalesce(low, 0);
  else
    low := least(kept_from - 1, high);
  end if;
  while low < high loop
    middle := (low + high + 1) / 2;
    if exists (
      select
      from foreword_private.entry e
      where
        e.resource = p_resource
        and e.version = middle
        and (
          e.recorded_at <= p_at
          or (select d.decided_at from foreword_private.decision d where d.id = e.decision) <= p_at
        )
    ) then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  -- What stands alone below may not have been the newest then.
  if low < kept_from and kept_from > 1 then
    perform foreword_code.refuse_archived(
      p_resource,
      format('What was assumed at %s UTC', to_char(p_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
    );
  end if;
  return low;
end
$$;
