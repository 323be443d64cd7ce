-- Writes what an owner asks for; the next converge turns it into intents. Any isolation level: the
-- converging decision meets a write-write conflict on the same row. Returns the generation.
create function foreword.want(
  scope text,
  kind text,
  name text,
  spec jsonb,
  labels jsonb default '{}',
  needs text[] default '{}',
  stack text default 'default',
  counters jsonb default '{}',
  wanted_by text default session_user
) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  wanted bigint;
begin
  if want.spec is null or jsonb_typeof(want.spec) <> 'object' then
    raise exception 'the spec of %/% must be a JSON object', want.kind, want.name
      using errcode = 'FW020', hint = 'To take it back call foreword.unwant(scope, kind, name).';
  end if;
  perform foreword_code.prepare(
    array[want.scope],
    array[want.kind],
    array[want.name],
    array(select want.scope from jsonb_object_keys(want.counters)),
    array(select jsonb_object_keys(want.counters))
  );
  insert into foreword_private.desired as d (
    resource, scope, kind, name, stack, spec, labels, counters, needs, wanted_by
  )
  values (
    foreword_code.resource_id(want.scope, want.kind, want.name),
    want.scope,
    want.kind,
    want.name,
    want.stack,
    want.spec,
    want.labels,
    want.counters,
    want.needs,
    want.wanted_by
  )
  on conflict (resource) do update
  set
    spec = excluded.spec,
    labels = excluded.labels,
    counters = excluded.counters,
    needs = excluded.needs,
    stack = excluded.stack,
    generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = excluded.wanted_by
  where
    (d.spec, d.labels, d.counters, d.needs, d.stack)
    is distinct from
    (excluded.spec, excluded.labels, excluded.counters, excluded.needs, excluded.stack);
  select d.generation
  into wanted
  from foreword_private.desired d
  where d.resource = foreword_code.resource_id(want.scope, want.kind, want.name);
  return wanted;
end
$$;
comment on function foreword.want(text, text, text, jsonb, jsonb, text[], text, jsonb, text) is
  'Asks for a resource: scope, kind, name, spec (JSON object), labels, needs (KIND/NAME …). Returns the generation; asking for the same again changes nothing. FW020: the spec is not an object.';

-- Asks that a resource shall be no more; the next converge intends its deletion.
create function foreword.unwant(
  scope text,
  kind text,
  name text,
  wanted_by text default session_user
) returns boolean
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  update foreword_private.desired d
  set
    spec = null,
    generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = unwant.wanted_by
  where
    d.resource = foreword_code.resource_id(unwant.scope, unwant.kind, unwant.name)
    and d.spec is not null
  returning true;
$$;
comment on function foreword.unwant(text, text, text, text) is
  'Takes back a wanted resource: the next converge deletes it. True if it was wanted.';
