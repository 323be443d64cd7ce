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
  wanted_by text default session_user,
  lifecycle jsonb default '{}',
  take_over boolean default false
) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  wanted bigint;
  owner text;
begin
  if want.spec is null or jsonb_typeof(want.spec) <> 'object' then
    raise exception 'the spec of %/% must be a JSON object', want.kind, want.name
      using errcode = 'FW020', hint = 'To take it back call foreword.unwant(scope, kind, name).';
  end if;
  perform foreword_code.check_numbers(want.spec, want.kind || '/' || want.name);
  perform foreword_code.check_lifecycle(want.lifecycle, want.kind || '/' || want.name);
  perform foreword_code.prepare(
    array[want.scope],
    array[want.kind],
    array[want.name],
    array(select want.scope from jsonb_object_keys(want.counters)),
    array(select jsonb_object_keys(want.counters))
  );
  insert into foreword_private.desired as d (
    resource, scope, kind, name, stack, spec, labels, counters, needs, lifecycle, wanted_by
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
    want.lifecycle,
    want.wanted_by
  )
  on conflict (resource) do update
  set
    spec = excluded.spec,
    labels = excluded.labels,
    counters = excluded.counters,
    needs = excluded.needs,
    stack = excluded.stack,
    lifecycle = excluded.lifecycle,
    generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = excluded.wanted_by,
    ended_at = null
  where
    (d.stack = excluded.stack or d.spec is null or want.take_over)
    and (d.spec, d.labels, d.counters, d.needs, d.stack, d.lifecycle)
    is distinct from
    (
      excluded.spec,
      excluded.labels,
      excluded.counters,
      excluded.needs,
      excluded.stack,
      excluded.lifecycle
    );
  select d.generation, d.stack
  into wanted, owner
  from foreword_private.desired d
  where d.resource = foreword_code.resource_id(want.scope, want.kind, want.name);
  if owner <> want.stack then
    raise exception '%/% is wanted by stack % already', want.kind, want.name, owner
      using errcode = 'FW034', hint = 'Take it out there and apply that first, or take it over (take_over => true).';
  end if;
  return wanted;
end
$$;
comment on function foreword.want(text, text, text, jsonb, jsonb, text[], text, jsonb, text, jsonb, boolean) is
  'Asks for a resource: scope, kind, name, spec (JSON object), labels, needs (KIND/NAME …), lifecycle {prevent_destroy, create_before_destroy, ignore: [paths], replace_on: [paths]}. Returns the generation; asking for the same again changes nothing. FW020: the spec is not an object, or has a number of more digits than programs can hold. FW028: the lifecycle is not one. FW034: another stack wants it.';

-- Asks that a resource shall be no more; the next converge intends its deletion. Once it is gone, nobody has a say in it.
create function foreword.unwant(
  scope text,
  kind text,
  name text,
  wanted_by text default session_user
) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  wanted constant uuid := foreword_code.resource_id(unwant.scope, unwant.kind, unwant.name);
begin
  -- Refused here already: else no converge of the whole scope would come through.
  if exists (
    select
    from foreword_private.desired d
    join foreword_private.resource_state s on s.resource = d.resource
    where
      d.resource = wanted
      and d.lifecycle @> '{"prevent_destroy": true}'
      and d.ended_at is null
      and s.assumed is not null
  ) then
    raise exception '%/% is protected by prevent_destroy', unwant.kind, unwant.name
      using errcode = 'FW026', hint = 'Want it with the lifecycle {"prevent_destroy": false} first.';
  end if;
  update foreword_private.desired d
  set
    spec = null,
    -- What it refers to needs to be there until it is gone.
    needs = array(
      select unnest(d.needs)
      union
      select r.reference from foreword_code.references_of(d.spec) r
    ),
    generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = unwant.wanted_by
  where d.resource = wanted and d.spec is not null;
  return case when found then true end;
end
$$;
comment on function foreword.unwant(text, text, text, text) is
  'Takes back a wanted resource: the next converge deletes it, and once it is gone, whoever makes it again keeps it. True if it was wanted. FW026: it is protected.';
