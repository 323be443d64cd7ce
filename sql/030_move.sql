-- Moves resources to their next version and writes the entries that say so: the one place where the
-- assumed state changes. Set-based: any number of changes, of any number of decisions, is a few statements.
-- p_changes: [{decision, cause, resource, scope, kind, name, verb, state, labels, counters, needs, initial}]
-- Labels or counters null: as before. A delete keeps its counters until the deletion is confirmed.
create function foreword_code.move(p_changes jsonb)
returns table (decision uuid, id bigint, resource uuid, version bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  moved_count integer;
begin
  if jsonb_path_exists(
    p_changes,
    '$[*] ? (@.verb == "create" || @.state == null || @.labels != null || @.counters != null)'
  ) then
    perform foreword_code.move_members(p_changes);
    perform foreword_code.move_counters(p_changes);
  end if;

  return query
  with change as materialized (
    select *
    from jsonb_to_recordset(p_changes) as c (
      decision uuid,
      cause text,
      resource uuid,
      scope text,
      kind text,
      verb text,
      state jsonb,
      labels jsonb,
      counters jsonb,
      needs uuid[],
      initial text
    )
  ),
  moved as (
    update foreword_private.resource_state s
    set
      version = s.version + 1,
      assumed = c.state,
      labels = case when c.state is null then '{}' else coalesce(c.labels, s.labels) end,
      counters = coalesce(c.counters, s.counters),
      decision = c.decision
    from change c
    where
      s.resource = c.resource
      -- Only what is absent can be created, only what is present be changed; what was seen is a fact.
      and (c.cause <> 'intent' or (c.verb = 'create') = (s.assumed is null))
    returning s.resource, s.version, s.labels, s.counters
  ),
  after as (
    select
      c.resource,
      array_agg(n.resource) as resources,
      array_agg(coalesce(m.version, s.version)) as versions
    from change c
    cross join lateral unnest(c.needs) as n (resource)
    left join moved m on m.resource = n.resource
    left join foreword_private.resource_state s on s.resource = n.resource
    where coalesce(m.version, s.version) > 0
    group by c.resource
  )
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
    settled_at
  )
  select
    c.resource,
    m.version,
    c.scope,
    c.kind,
    c.decision,
    c.cause,
    c.verb,
    c.state,
    m.labels,
    m.counters,
    coalesce(a.resources, '{}'),
    coalesce(a.versions, '{}'),
    case when c.cause = 'intent' then coalesce(c.initial, 'pending') else 'recorded' end,
    case
      when c.cause = 'intent' and coalesce(c.initial, 'pending') = 'pending' then clock_timestamp()
    end,
    case when c.cause <> 'intent' then clock_timestamp() end
  from change c
  join moved m on m.resource = c.resource
  left join after a on a.resource = c.resource
  returning entry.decision, entry.id, entry.resource, entry.version;

  get diagnostics moved_count = row_count;
  if moved_count <> jsonb_array_length(p_changes) then
    perform foreword_code.refuse_changes(p_changes);
  end if;
end
$$;
