-- Notes what looks showed, and returns the resources whose looks count. One counts only if nothing has come
-- between: the version is the one that was assumed when it began, nothing is under way, and nobody has seen the
-- resource since it began, by the clock of this database. This is asked while the row of the observation is held,
-- which whoever settles a call must write: what he settles later finds the look noted before him, and what he
-- settled before voids it. A row that somebody else holds is being settled now: its look is void.
-- What is seen to be gone keeps its external id until that is believed (foreword_code.forget_gone).
-- Paths that differ stay open until a look shows them no more.
-- p_looks: [{resource, version, began_at, observed, external_id, outputs, revision, condition,
--   interval_min_ms, interval_max_ms, paths: [{path, assumed, observed}]}], each resource once.
create function foreword_code.note_looks(p_looks jsonb) returns setof uuid
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
  asked uuid[] := array(
    select (l ->> 'resource')::uuid
    from jsonb_array_elements(p_looks) l
  );
  held uuid[];
begin
  insert into foreword_private.observation (resource)
  select a.resource
  from unnest(asked) as a (resource)
  where not exists (select from foreword_private.observation o where o.resource = a.resource)
  order by a.resource
  on conflict do nothing;

  held := array(
    select o.resource
    from foreword_private.observation o
    where o.resource = any (asked)
    order by o.resource
    for update skip locked
  );

  return query
  with look as materialized (
    select
      l.*,
      o.external_id as known_as,
      l.paths = '[]' and o.looked_version = l.version and l.condition = 'ready' as steady
    from jsonb_to_recordset(p_looks) as l (
      resource uuid,
      version bigint,
      began_at timestamptz,
      observed jsonb,
      external_id text,
      outputs jsonb,
      revision text,
      condition text,
      interval_min_ms bigint,
      interval_max_ms bigint,
      paths jsonb
    )
    join foreword_private.observation o on o.resource = l.resource
    join foreword_private.resource_state s on s.resource = l.resource and s.version = l.version
    where
      l.resource = any (held)
      and (o.observed_at is null or o.observed_at <= l.began_at)
      and not exists (
        select
        from foreword_private.entry e
        where e.resource = l.resource and e.settled_at is null
      )
  ),
  kept as (
    update foreword_private.observation o
    set
      observed = l.observed,
      observed_at = l.began_at,
      external_id = coalesce(l.external_id, o.external_id),
      outputs = case when coalesce(l.outputs, '{}') = '{}' then o.outputs else l.outputs end,
      revision = l.revision,
      condition = l.condition,
      looked_version = l.version,
      interval_ms = n.interval_ms,
      -- A tenth early: a schedule that comes as often must not find it due the next time only.
      look_at = l.began_at + 0.9 * n.interval_ms * interval '1 ms'
    from look l
    cross join lateral (
      select
        case
          when l.interval_min_ms is null then null
          when l.steady
            then least(l.interval_max_ms, greatest(l.interval_min_ms, 2 * coalesce(p.interval_ms, 0)))
          else l.interval_min_ms
        end as interval_ms
      from foreword_private.observation p
      where p.resource = l.resource
    ) n
    where o.resource = l.resource
  ),
  answered as (
    update foreword_private.notice n
    set look_at = null
    from look l
    where n.resource = l.resource and n.told_at <= l.began_at
  ),
  seen as materialized (
    select l.resource, p.path, p.assumed, p.observed
    from look l
    cross join lateral jsonb_to_recordset(l.paths) as p (path text, assumed jsonb, observed jsonb)
  ),
  gone as (
    update foreword_private.drift d
    set resolved_at = clock_timestamp()
    from look l
    where
      d.resource = l.resource
      and d.resolved_at is null
      and not exists (
        select from seen s where s.resource = d.resource and s.path = d.path
      )
  ),
  opened as (
    insert into foreword_private.drift as d (resource, path, assumed, observed)
    select s.resource, s.path, s.assumed, s.observed
    from seen s
    on conflict (resource, path) where resolved_at is null do update
    set observed = excluded.observed
  ),
  -- Another one stands under its name now. That is no belief to be put back, and not to be passed over.
  replaced as (
    insert into foreword_private.drift (resource, path, assumed, observed, resolved_at)
    select
      l.resource,
      '#id',
      to_jsonb(l.known_as),
      to_jsonb(l.external_id),
      clock_timestamp()
    from look l
    where l.known_as <> l.external_id
  )
  select l.resource
  from look l;
end
$$;

-- What is believed to be gone has no id and no outputs any more. Asked again by every run, so that it comes to
-- pass whoever died before it; a resource that somebody makes anew is under way, and is left alone.
create function foreword_code.forget_gone(p_resources uuid[]) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  update foreword_private.observation o
  set
    external_id = null,
    outputs = '{}'
  from foreword_private.resource_state s
  where
    o.resource = any (p_resources)
    and s.resource = o.resource
    and s.assumed is null
    and o.observed is null
    and not exists (
      select
      from foreword_private.entry e
      where e.resource = o.resource and e.settled_at is null
    );
$$;
