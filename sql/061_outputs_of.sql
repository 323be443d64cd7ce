-- What the providers call these resources, and what they put out: calls refer to it. No row: never seen.
-- What was replaced or renamed since goes on under another name. Who refers to it and was decided before that is
-- carried out, and looked for, before the new one is made: until then the name means what it meant to him.
create function foreword_code.outputs_of(p_resources uuid[])
returns table (resource uuid, external_id text, outputs jsonb)
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  found_now bigint;
begin
  return query
  select o.resource, o.external_id, o.outputs
  from foreword_private.observation o
  where o.resource = any (p_resources);
  get diagnostics found_now = row_count;
  if found_now >= cardinality(p_resources) then
    return;
  end if;

  return query
  with recursive gone_on (asked, resource, hops) as (
    select a.resource, a.resource, 0
    from unnest(p_resources) as a (resource)
    union all
    select g.asked, t.resource, g.hops + 1
    from gone_on g
    cross join lateral (
      select e.decision, e.verb, '~v' || e.version - 1 as suffix
      from foreword_private.entry e
      where e.resource = g.resource and e.assumed is null and e.verb in ('depose', 'rename')
      order by e.version desc
      limit 1
    ) left_as
    join foreword_private.entry t
    on t.decision = left_as.decision and t.verb = left_as.verb and t.assumed is not null
    join foreword_private.resource was on was.id = g.resource
    join foreword_private.resource is_now on is_now.id = t.resource
    where
      g.hops < 8
      and not exists (select from foreword_private.observation o where o.resource = g.resource)
      and (
        left_as.verb = 'rename'
        -- As `deposedName` says.
        or is_now.name = left(was.name, 512 - length(left_as.suffix)) || left_as.suffix
      )
  )
  select g.asked, o.external_id, o.outputs
  from gone_on g
  join foreword_private.observation o on o.resource = g.resource
  where g.hops > 0;
end
$$;
