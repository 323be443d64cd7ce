-- What decisions were made of, for `foreword replay`: who may read the views may read this. In pages by the time of
-- the decision: p_after_at and p_after_id are the last row of the page before.
create function foreword_code.recorded_decisions(
  p_since timestamptz,
  p_until timestamptz,
  p_after_id uuid,
  p_scope text,
  p_decider text,
  p_max integer
) returns table (
  id uuid,
  scope text,
  decider text,
  decider_version integer,
  actor text,
  reason text,
  decided_at timestamptz,
  decided_at_text text,
  saw_at timestamptz,
  input jsonb,
  thought jsonb,
  premises integer,
  predicates jsonb,
  counters jsonb,
  archived boolean
)
language sql stable
security definer
rows 500
set search_path = pg_catalog, pg_temp
as $$
  select
    d.id,
    d.scope,
    d.decider,
    d.decider_version,
    d.actor,
    d.reason,
    d.decided_at,
    -- To the microsecond, whatever the client makes of times.
    to_char(d.decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    d.saw_at,
    d.input,
    d.thought,
    cardinality(d.premise_resources),
    d.premise_predicates,
    d.premise_counters,
    d.archive is not null
  from foreword_private.decision d
  where
    d.decided_at >= p_since
    and d.decided_at < p_until
    and (p_after_id is null or (d.decided_at, d.id) > (p_since, p_after_id))
    and not d.abandoned
    and (p_scope is null or d.scope = p_scope)
    and (p_decider is null or d.decider = p_decider)
  order by d.decided_at, d.id
  limit p_max;
$$;

-- The versions that they read, and what was assumed then. `there`: the log still has that version.
create function foreword_code.recorded_premises(p_decisions uuid[])
returns table (
  decision uuid,
  resource uuid,
  version bigint,
  scope text,
  kind text,
  name text,
  there boolean,
  assumed jsonb,
  labels jsonb
)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    d.id,
    p.resource,
    p.version,
    r.scope,
    r.kind,
    r.name,
    p.version = 0 or e.resource is not null,
    e.assumed,
    coalesce(e.labels, '{}')
  from foreword_private.decision d
  cross join lateral unnest(d.premise_resources, d.premise_versions) as p (resource, version)
  join foreword_private.resource r on r.id = p.resource
  left join foreword_private.entry e on e.resource = p.resource and e.version = p.version
  where d.id = any (p_decisions);
$$;

-- What they intended, with what each resource was like before. `needs`: what had to be through, by id.
create function foreword_code.recorded_intents(p_decisions uuid[])
returns table (
  decision uuid,
  resource uuid,
  scope text,
  kind text,
  name text,
  verb text,
  state jsonb,
  labels jsonb,
  counters jsonb,
  labels_before jsonb,
  counters_before jsonb,
  needs uuid[]
)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    e.decision,
    e.resource,
    r.scope,
    r.kind,
    r.name,
    e.verb,
    e.assumed,
    e.labels,
    e.counters,
    coalesce(b.labels, '{}'),
    coalesce(b.counters, '{}'),
    e.after_resources
  from foreword_private.entry e
  join foreword_private.resource r on r.id = e.resource
  left join foreword_private.entry b on b.resource = e.resource and b.version = e.version - 1
  where e.decision = any (p_decisions) and e.cause = 'intent'
  order by e.id;
$$;
