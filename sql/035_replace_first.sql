-- The first half of replacements: changes of verb `replace`, which are `create` afterwards. All in the one
-- transaction of their decision: nobody reads a resource that is neither the old nor the new one.
-- Destroyed first: version n+1 is the deletion, an intent like any other, after what `first_needs` names.
-- Created first (`deposed`): the old one goes on under another name, with its external id, outputs and counters;
-- a fact on both. Its owner's wish that it be gone is written here, so that it is not forgotten whatever
-- becomes of the rest. Who asks for this has made sure that nothing is under way (src/reconcile/run-converge.ts).
-- Returns {changes, entries: [{decision, id, resource, version}]}.
create function foreword_code.replace_first(p_changes jsonb) returns jsonb
language plpgsql as $$
#variable_conflict use_column
declare
  change record;
  old record;
  entry_id bigint;
  entries jsonb := '[]';
begin
  -- Each after the other, in the order in which their rows are locked. A replacement is rare.
  for change in
    select
      c.*,
      c.change ->> 'kind' as kind,
      (c.change ->> 'resource')::uuid as resource,
      (c.change ->> 'decision')::uuid as decision,
      (c.change -> 'deposed' ->> 'resource')::uuid as deposed
    from jsonb_array_elements(p_changes) with ordinality as c (change, place)
    where c.change ->> 'verb' in ('replace', 'rename')
    order by c.place
  loop
    select s.version, s.assumed, s.labels, s.counters
    into old
    from foreword_private.resource_state s
    where s.resource = change.resource;
    if old.assumed is null then
      perform foreword_code.refuse_changes(p_changes);
    end if;
    perform foreword_code.move_members(
      jsonb_build_array(change.change || '{"state": null, "labels": null}')
    );
    update foreword_private.resource_state s
    set
      version = s.version + 1,
      assumed = null,
      labels = '{}',
      counters = case when change.deposed is null then s.counters else '{}' end,
      decision = change.decision
    where s.resource = change.resource;
    insert into foreword_private.entry (
      resource,
      version,
      scope,
      kind,
      decision,
      cause,
      verb,
      assumed,
      labels,
      counters,
      after_resources,
      after_versions,
      state,
      due_at,
      settled_at,
      reason
    )
    select
      change.resource,
      old.version + 1,
      change.change ->> 'scope',
      change.kind,
      change.decision,
      case when change.deposed is null then 'intent' else 'observation' end,
      case
        when change.deposed is null then 'delete'
        when change.change ->> 'verb' = 'rename' then 'rename'
        else 'depose'
      end,
      null,
      '{}',
      case when change.deposed is null then old.counters else '{}' end,
      coalesce(a.resources, '{}'),
      coalesce(a.versions, '{}'),
      i.initial,
      case when i.initial = 'pending' then clock_timestamp() end,
      case when i.initial = 'recorded' then clock_timestamp() end,
      case when i.initial = 'awaiting_approval' then change.change ->> 'reason' end
    from (
      select
        case
          when change.deposed is not null then 'recorded'
          when change.change ->> 'first_initial' = 'awaiting_approval' then 'awaiting_approval'
          else 'pending'
        end as initial
    ) i
    cross join lateral (
      select
        array_agg(s.resource) as resources,
        array_agg(
          -- What moves with it and was not moved yet comes to be its next version; what was, is there already.
          s.version + (
            s.decision is distinct from change.decision
            and exists (
              select
              from jsonb_array_elements(p_changes) as o (change)
              where (o.change ->> 'resource')::uuid = s.resource
            )
          )::integer
          -- The old one of who is created first goes on under another name before it goes.
          + exists (
            select
            from jsonb_array_elements(p_changes) as o (change)
            where
              o.change ->> 'verb' = 'replace'
              and (o.change -> 'deposed' ->> 'resource')::uuid = s.resource
          )::integer
        ) as versions
      from jsonb_array_elements_text(
        case
          when jsonb_typeof(change.change -> 'first_needs') = 'array' then change.change -> 'first_needs'
          else '[]'
        end
      ) as w (resource)
      cross join lateral (
        select s.resource, s.version, s.decision
        from foreword_private.resource_state s
        where s.resource = w.resource::uuid
        offset 0
      ) s
    ) a
    returning id into entry_id;
    if change.deposed is null then
      entries := entries || jsonb_build_object(
        'decision', change.decision,
        'id', entry_id,
        'resource', change.resource,
        'version', old.version + 1
      );
    else
      perform foreword_code.depose(
        change.change,
        old.assumed,
        case when change.change ->> 'verb' = 'rename' then old.labels else '{}' end,
        old.counters
      );
    end if;
  end loop;

  return jsonb_build_object(
    'entries', entries,
    'changes', (
      select
        coalesce(jsonb_agg(
          case
            when c.change ->> 'verb' <> 'replace' then c.change
            else (c.change - 'first_needs' - 'deposed' - 'first_initial') || '{"verb": "create"}'
          end
          order by c.place
        ), '[]')
      from jsonb_array_elements(p_changes) with ordinality as c (change, place)
      where c.change ->> 'verb' <> 'rename'
    )
  );
end
$$;

-- What is renamed, or replaced, goes on as another resource: its next version says that it is there, and what its
-- provider calls it moves with it. Renamed, its owner wants it under that name. Replaced, he wants it to be gone,
-- and it has no labels: nobody shall find it.
create function foreword_code.depose(
  p_change jsonb,
  p_state jsonb,
  p_labels jsonb,
  p_counters jsonb
) returns void
language plpgsql as $$
declare
  old_resource constant uuid := (p_change ->> 'resource')::uuid;
  new_resource constant uuid := (p_change -> 'deposed' ->> 'resource')::uuid;
  new_verb constant text := case when p_change ->> 'verb' = 'rename' then 'rename' else 'depose' end;
  new_version bigint;
begin
  perform foreword_code.move_members(
    jsonb_build_array(
      p_change || (p_change -> 'deposed') || jsonb_build_object('state', p_state, 'labels', p_labels)
    )
  );
  update foreword_private.resource_state s
  set
    version = s.version + 1,
    assumed = p_state,
    labels = p_labels,
    counters = p_counters,
    decision = (p_change ->> 'decision')::uuid
  where s.resource = new_resource and s.assumed is null
  returning s.version into new_version;
  if new_version is null then
    raise exception '%/% is there already, or was never named', p_change ->> 'kind', p_change -> 'deposed' ->> 'name'
      using errcode = 'FW010', hint = 'What is renamed or replaced goes on under that name: delete it first.';
  end if;
  insert into foreword_private.entry (
    resource,
    version,
    scope,
    kind,
    decision,
    cause,
    verb,
    assumed,
    labels,
    counters,
    state,
    settled_at
  )
  values (
    new_resource,
    new_version,
    p_change ->> 'scope',
    p_change ->> 'kind',
    (p_change ->> 'decision')::uuid,
    'observation',
    new_verb,
    p_state,
    p_labels,
    p_counters,
    'recorded',
    clock_timestamp()
  );
  perform foreword_code.move_observation(old_resource, new_resource);
  if new_verb = 'rename' then
    perform foreword_code.move_desired(old_resource, new_resource, p_change -> 'deposed' ->> 'name');
    return;
  end if;
  insert into foreword_private.desired as d (
    resource, scope, kind, name, stack, spec, needs, lifecycle, acted_generation, wanted_by
  )
  select
    new_resource,
    o.scope,
    o.kind,
    p_change -> 'deposed' ->> 'name',
    o.stack,
    null,
    '{}',
    jsonb_build_object('replaced_by', o.kind || '/' || o.name),
    1,
    o.wanted_by
  from foreword_private.desired o
  where o.resource = old_resource
  on conflict (resource) do update
  set
    spec = null,
    ended_at = null,
    lifecycle = excluded.lifecycle,
    generation = d.generation + 1,
    acted_generation = d.generation + 1,
    wanted_at = clock_timestamp();
end
$$;

-- What its owner wants of a resource, he wants under another name from now on.
create function foreword_code.move_desired(p_from uuid, p_to uuid, p_name text) returns void
language sql as $$
  insert into foreword_private.desired as d (
    resource,
    scope,
    kind,
    name,
    stack,
    spec,
    labels,
    counters,
    needs,
    lifecycle,
    acted_generation,
    wanted_by
  )
  select
    p_to,
    o.scope,
    o.kind,
    p_name,
    o.stack,
    o.spec,
    o.labels,
    o.counters,
    o.needs,
    o.lifecycle,
    1,
    o.wanted_by
  from foreword_private.desired o
  where o.resource = p_from
  on conflict (resource) do update
  set
    stack = excluded.stack,
    spec = excluded.spec,
    labels = excluded.labels,
    counters = excluded.counters,
    needs = excluded.needs,
    lifecycle = excluded.lifecycle,
    generation = d.generation + 1,
    acted_generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = excluded.wanted_by,
    ended_at = null;
  update foreword_private.desired d
  set
    spec = null,
    ended_at = clock_timestamp(),
    lifecycle = '{}',
    generation = d.generation + 1,
    acted_generation = d.generation + 1,
    wanted_at = clock_timestamp()
  where d.resource = p_from;
$$;

-- What the provider calls a resource, and what it showed of it, is another resource's from now on.
create function foreword_code.move_observation(p_from uuid, p_to uuid) returns void
language sql as $$
  insert into foreword_private.observation as o (
    resource, observed, observed_at, external_id, outputs, revision, condition
  )
  select
    p_to,
    f.observed,
    f.observed_at,
    f.external_id,
    f.outputs,
    f.revision,
    f.condition
  from foreword_private.observation f
  where f.resource = p_from
  on conflict (resource) do update
  set
    observed = excluded.observed,
    observed_at = excluded.observed_at,
    external_id = excluded.external_id,
    outputs = excluded.outputs,
    revision = excluded.revision,
    condition = excluded.condition;
  delete from foreword_private.observation
  where resource = p_from;
  update foreword_private.drift
  set resolved_at = clock_timestamp()
  where resource = p_from and resolved_at is null;
$$;
