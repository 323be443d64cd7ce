-- Notes what a look showed: paths that differ from what was assumed stay open until a later look
-- shows them gone. A look at a version that has moved since says nothing about the newer one: what it
-- saw is kept, but it neither opens nor closes drift. p_looks: [{resource, version, observed, external_id, outputs, revision, condition, paths: [{path, assumed, observed}]}]
create function foreword_code.note_looks(p_looks jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into foreword_private.observation as o (
    resource, observed, observed_at, external_id, outputs, revision, condition
  )
  select
    l.resource,
    l.observed,
    clock_timestamp(),
    l.external_id,
    coalesce(l.outputs, '{}'),
    l.revision,
    coalesce(l.condition, 'ready')
  from jsonb_to_recordset(p_looks) as l (
    resource uuid,
    observed jsonb,
    external_id text,
    outputs jsonb,
    revision text,
    condition text
  )
  on conflict (resource) do update
  set
    observed = excluded.observed,
    observed_at = excluded.observed_at,
    external_id = case
      when excluded.observed is null then null
      else coalesce(excluded.external_id, o.external_id)
    end,
    outputs = case
      when excluded.observed is null then '{}'
      when excluded.outputs = '{}' then o.outputs
      else excluded.outputs
    end,
    revision = excluded.revision,
    condition = excluded.condition;

  with look as materialized (
    select l.resource, coalesce(l.paths, '[]') as paths
    from jsonb_to_recordset(p_looks) as l (resource uuid, version bigint, paths jsonb)
    join foreword_private.resource_state s on s.resource = l.resource and s.version = l.version
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
  )
  insert into foreword_private.drift as d (resource, path, assumed, observed)
  select s.resource, s.path, s.assumed, s.observed
  from seen s
  on conflict (resource, path) where resolved_at is null do update
  set observed = excluded.observed;
end
$$;
