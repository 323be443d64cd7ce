-- The assumed state as it was: a fold of the log, and a version's entry carries all of it. What was assumed at a
-- time includes what was taken back since: that is what deciders relied on then.
create function foreword.assumed_at(scope text, kind text, name text, at timestamptz)
returns table (
  version bigint,
  state jsonb,
  labels jsonb,
  counters jsonb,
  decided_at timestamptz,
  decision_id uuid,
  cause text,
  intent_id bigint,
  intent_state text,
  settled_at timestamptz
)
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  id constant uuid := foreword_code.resource_id(assumed_at.scope, assumed_at.kind, assumed_at.name);
  newest bigint;
begin
  perform foreword_code.check_name('scope', assumed_at.scope);
  perform foreword_code.check_name('kind', assumed_at.kind);
  perform foreword_code.check_name('name', assumed_at.name);
  perform foreword_code.check_time(assumed_at.at);
  newest := foreword_code.version_at(id, assumed_at.at);
  if newest = 0 then
    return query
    values (
      0::bigint,
      null::jsonb,
      '{}'::jsonb,
      '{}'::jsonb,
      null::timestamptz,
      null::uuid,
      null::text,
      null::bigint,
      null::text,
      null::timestamptz
    );
  else
    return query
    select v.*
    from foreword_code.assumed_version(id, newest) v;
  end if;
end
$$;
comment on function foreword.assumed_at(text, text, text, timestamptz) is
  'One resource as deciders assumed it to be at a time, in one row; state null: absent; version 0: nothing was decided about it yet. decided_at, decision_id, cause: who wrote that version, and when; intent_id and intent_state: the intent that it is of, and how that stands today (rejected, stale or cancelled: it was taken back since); settled_at: when that was settled. No fact to decide on: use foreword.assume. FW025: no name. FW028: no time. FW060: that part of the log is archived.';

create function foreword.assumed_at_version(scope text, kind text, name text, of_version bigint)
returns table (
  version bigint,
  state jsonb,
  labels jsonb,
  counters jsonb,
  decided_at timestamptz,
  decision_id uuid,
  cause text,
  intent_id bigint,
  intent_state text,
  settled_at timestamptz
)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select v.*
  from foreword_code.assumed_version(foreword_code.resource_id($1, $2, $3), $4) v;
$$;
comment on function foreword.assumed_at_version(text, text, text, bigint) is
  'One resource as it was assumed to be from this version on, with the columns of foreword.assumed_at; no row where there is no such version, or it is archived.';

create function foreword.assumed_at(scope text, at timestamptz, of_kind text default null)
returns table (
  kind text,
  name text,
  version bigint,
  state jsonb,
  labels jsonb,
  counters jsonb,
  decided_at timestamptz,
  decision_id uuid,
  cause text,
  intent_id bigint,
  intent_state text,
  settled_at timestamptz
)
language plpgsql stable
security definer
rows 10000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform foreword_code.check_name('scope', assumed_at.scope);
  perform foreword_code.check_time(assumed_at.at);
  if of_kind is null then
    perform foreword_code.refuse_archived_scope(assumed_at.scope, assumed_at.at);
  end if;
  return query
  select r.kind, r.name, v.*
  from foreword_private.resource r
  cross join lateral (
    select foreword_code.version_at(r.id, assumed_at.at) as newest
    offset 0
  ) n
  cross join lateral foreword_code.assumed_version(r.id, n.newest) v
  where
    r.scope = assumed_at.scope
    and (of_kind is null or r.kind = of_kind)
    and v.state is not null
  order by r.kind, r.name;
end
$$;
comment on function foreword.assumed_at(text, timestamptz, text) is
  'All resources of a scope, or of one of its kinds, that deciders assumed to be there at a time: one moment for all of them, never half a decision. FW025: no name. FW028: no time. FW060: that part of the log is archived.';
