-- What became of a scope between two times: the versions that were newest then, side by side.
create function foreword.changed_between(
  scope text,
  since timestamptz,
  until timestamptz,
  of_kind text default null
) returns table (
  kind text,
  name text,
  change text,
  version_before bigint,
  version_after bigint,
  state_before jsonb,
  state_after jsonb,
  labels_before jsonb,
  labels_after jsonb,
  decided_at timestamptz,
  decision_id uuid
)
language plpgsql stable
security definer
rows 1000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform foreword_code.check_name('scope', changed_between.scope);
  perform foreword_code.check_time(changed_between.since);
  perform foreword_code.check_time(changed_between.until);
  if changed_between.since > changed_between.until then
    raise exception 'the first time is later than the second'
      using errcode = 'FW028', hint = 'Give the earlier one first.';
  end if;
  if of_kind is null then
    perform foreword_code.refuse_archived_scope(changed_between.scope, changed_between.since);
  end if;
  return query
  select
    r.kind,
    r.name,
    case
      when b.state is null and a.state is null then 'passed'
      when b.state is null then 'created'
      when a.state is null then 'deleted'
      when exists (
        select
        from foreword_private.entry e
        where
          e.resource = r.id
          and e.version > v.before
          and e.version < v.after
          and e.assumed is null
      ) then 'replaced'
      when b.state = a.state and b.labels = a.labels then 'touched'
      else 'changed'
    end,
    v.before,
    v.after,
    b.state,
    a.state,
    coalesce(b.labels, '{}'),
    a.labels,
    a.decided_at,
    a.decision_id
  from foreword_private.resource r
  cross join lateral (
    select
      foreword_code.version_at(r.id, changed_between.since) as before,
      foreword_code.version_at(r.id, changed_between.until) as after
    offset 0
  ) v
  cross join lateral foreword_code.assumed_version(r.id, v.after) a
  left join lateral foreword_code.assumed_version(r.id, v.before) b on true
  where
    r.scope = changed_between.scope
    and (of_kind is null or r.kind = of_kind)
    and v.before < v.after
  order by r.kind, r.name;
end
$$;
comment on function foreword.changed_between(text, timestamptz, timestamptz, text) is
  'What decisions made of the resources of a scope, or of one of its kinds, between two times, the second included. change: created, changed, deleted, replaced (there before and after, gone in between), passed (made and gone again in between) or touched (decided about, and assumed as before). decided_at, decision_id: who wrote the last version. FW025: no name. FW028: no time, or the second is earlier. FW060: that part of the log is archived.';
