-- A person takes a resource out of what is known, and leaves it as it is: nothing is called for. Its version is
-- a fact like any other, so who relied on it is decided again; what it consumed is given back.
create function foreword_code.refuse_forgetting(p_resource uuid, p_scope text, p_kind text, p_name text)
returns void
language plpgsql as $$
declare
  what constant text := p_kind || '/' || p_name;
  open_intent bigint;
  needer text;
begin
  select e.id
  into open_intent
  from foreword_private.entry e
  where e.resource = p_resource and e.settled_at is null
  order by e.version
  limit 1;
  if found then
    raise exception 'something is under way with %: intent %', what, open_intent
      using errcode = 'FW044', hint = format('Forget it once that is settled: foreword why %s', open_intent);
  end if;
  select d.kind || '/' || d.name
  into needer
  from foreword_private.desired d
  where
    d.scope = p_scope
    and d.spec is not null
    and d.resource <> p_resource
    and (
      what = any (d.needs)
      or exists (select from foreword_code.references_of(d.spec) r where r.reference = what)
    )
  order by d.kind, d.name
  limit 1;
  if found then
    raise exception '% is wanted, and needs %', needer, what
      using errcode = 'FW044', hint = 'Take that need or reference out first, or forget that one too.';
  end if;
end
$$;

create function foreword.forget(
  scope text,
  kind text,
  name text,
  by text default session_user,
  note text default ''
) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  decided constant uuid := gen_random_uuid();
  forgotten constant uuid := foreword_code.resource_id(forget.scope, forget.kind, forget.name);
  known foreword_private.resource_state;
  made bigint;
begin
  perform foreword_code.check_pause(forget.scope, forget.by, forget.note);
  select s.* into known
  from foreword_private.resource_state s
  where s.resource = forgotten;
  if known.assumed is null then
    raise exception 'nothing is known of %/% in %', forget.kind, forget.name, forget.scope
      using errcode = 'FW044', hint = 'See foreword.resource: its scope, kind and name.';
  end if;
  perform foreword_code.refuse_forgetting(forgotten, forget.scope, forget.kind, forget.name);

  select r.version into made
  from foreword_code.record(
    jsonb_build_array(
      jsonb_build_object(
        'id', decided,
        'scope', forget.scope,
        'decider', 'foreword/forget',
        'decider_version', 1,
        'actor', forget.by,
        'reason', forget.note,
        'premise_resources', array[forgotten],
        'premise_versions', array[known.version],
        'facts', true
      )
    ),
    jsonb_build_array(
      jsonb_build_object(
        'decision', decided,
        'cause', 'ruling',
        'resource', forgotten,
        'scope', forget.scope,
        'kind', forget.kind,
        'name', forget.name,
        'verb', 'forget',
        'state', null,
        'counters', '{}'::jsonb,
        'position', 0
      )
    )
  ) r;

  -- Whoever wants it again makes it known again: nothing is deleted for its sake.
  update foreword_private.desired d
  set
    spec = null,
    ended_at = clock_timestamp(),
    needs = '{}',
    generation = d.generation + 1,
    acted_generation = d.generation + 1,
    wanted_at = clock_timestamp(),
    wanted_by = forget.by
  where d.resource = forgotten;
  update foreword_private.observation o
  set
    observed = null,
    observed_at = null,
    external_id = null,
    outputs = '{}',
    revision = null,
    condition = 'ready'
  where o.resource = forgotten;
  update foreword_private.drift d
  set resolved_at = clock_timestamp()
  where d.resource = forgotten and d.resolved_at is null;
  return made;
end
$$;
comment on function foreword.forget(text, text, text, text, text) is
  'Takes a resource out of what is wanted and known, and leaves it as it is outside: nothing is called, what it consumed is given back, who relied on it is decided again. `foreword import` makes it known again; a stack that still names it would make another one. Also where prevent_destroy protects it: nothing is destroyed. In a SERIALIZABLE transaction. Returns the version that says so. FW001: it is not SERIALIZABLE. FW044: nothing is known of it, something is under way with it, or something that is wanted needs it. FW025: no name. FW043: nobody''s word.';
