-- What the providers call these resources, and what they put out: calls refer to it. No row: never seen.
create function foreword_code.outputs_of(p_resources uuid[])
returns table (resource uuid, external_id text, outputs jsonb)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select o.resource, o.external_id, o.outputs
  from foreword_private.observation o
  where o.resource = any (p_resources);
$$;
