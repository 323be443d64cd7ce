-- What somebody tells of a resource without being asked, a webhook above all. It is late, comes twice and in any
-- order, and its clock is not ours: so it is never believed. What is new in it makes a look due, which is held to
-- the rules of every look (090); what is not, is counted. Returns what came of it.
create function foreword.observe(
  scope text,
  kind text,
  name text,
  state jsonb,
  revision text default null,
  observed_at timestamptz default null,
  external_id text default null,
  outputs jsonb default '{}',
  told_by text default session_user
) returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  told constant jsonb := nullif(observe.state, 'null');
  told_digest constant text := encode(
    sha256(convert_to(concat_ws(chr(31), observe.external_id, coalesce(told::text, 'gone')), 'UTF8')),
    'hex'
  );
  target uuid;
  at record;
  known foreword_private.notice;
  outcome text;
begin
  perform foreword_code.check_name('scope', observe.scope);
  perform foreword_code.check_name('kind', observe.kind);
  perform foreword_code.check_name('name', observe.name);
  if told is not null and jsonb_typeof(told) <> 'object' then
    raise exception 'the state of %/% that was seen is no JSON object', observe.kind, observe.name
      using errcode = 'FW020', hint = 'Give an object, or null where it is gone.';
  end if;
  if jsonb_typeof(coalesce(observe.outputs, '{}')) <> 'object' then
    raise exception 'the outputs of %/% are no JSON object', observe.kind, observe.name
      using errcode = 'FW028', hint = 'Give an object, as in {"address": "192.0.2.1"}.';
  end if;
  if greatest(octet_length(told::text), octet_length(observe.outputs::text)) > 1024 * 1024 then
    raise exception '%/%: what was seen is larger than % bytes', observe.kind, observe.name, 1024 * 1024
      using errcode = 'FW023', hint = 'Give what the provider''s own looks show, and not all that the API tells.';
  end if;
  if
    length(observe.revision) not between 1 and 512
    or length(observe.external_id) not between 1 and 512
    or observe.told_by is null
    or length(observe.told_by) > 512
  then
    raise exception '%/%: revision, external_id or told_by is empty or longer than 512 characters',
      observe.kind, observe.name
      using errcode = 'FW028', hint = 'Leave away what there is not.';
  end if;
  if not isfinite(observe.observed_at) then
    raise exception '%/%: observed_at is %', observe.kind, observe.name, observe.observed_at
      using errcode = 'FW028', hint = 'Leave it away where nobody knows it.';
  end if;

  target := foreword_code.resource_id(observe.scope, observe.kind, observe.name);
  select s.version, s.assumed, o.observed, o.observed_at, o.revision, o.external_id
  into at
  from foreword_private.resource_state s
  left join foreword_private.observation o on o.resource = s.resource
  where s.resource = target;
  if at.assumed is null then
    return 'unknown';
  end if;

  -- One after the other: two that come at the same moment are compared with each other.
  insert into foreword_private.notice as n (resource, told_at, digest, times)
  values (target, clock_timestamp(), '', 0)
  on conflict (resource) do update
  set repeats = n.repeats
  returning * into known;

  outcome := case
    when foreword_code.older(observe.revision, known.revision) then 'older'
    when foreword_code.older(observe.revision, at.revision) then 'older'
    when
      known.times > 0
      and known.revision is not distinct from observe.revision
      and (known.digest = told_digest or foreword_code.is_ordered(observe.revision))
      -- Nobody has looked since: else it may have become so once more.
      and (observe.revision is not null or known.look_at is not null or known.told_at >= at.observed_at)
      then 'repeated'
    when observe.revision = at.revision then 'known'
    when
      told is not distinct from at.observed
      and at.observed_at is not null
      and (observe.external_id is null or observe.external_id = at.external_id)
      then 'known'
    else 'looking'
  end;

  update foreword_private.notice n
  set
    told_at = clock_timestamp(),
    revision = observe.revision,
    digest = told_digest,
    state = told,
    external_id = observe.external_id,
    outputs = observe.outputs,
    told_by = observe.told_by,
    observed_at = observe.observed_at,
    times = n.times + 1,
    look_at = case when outcome = 'looking' then clock_timestamp() else n.look_at end
  where n.resource = target and outcome in ('looking', 'known');
  update foreword_private.notice n
  set repeats = n.repeats + 1
  where n.resource = target and outcome in ('older', 'repeated');
  return outcome;
end
$$;
comment on function foreword.observe(text, text, text, jsonb, text, timestamptz, text, jsonb, text) is
  'Tells what was seen of a resource, as a webhook does: its state (null: it is gone), and, where known, the provider''s revision of it, when it was so, its external id and outputs. It is never believed by itself: what is new makes a look due, which a worker takes within seconds and which counts like any other. Returns looking; known (a look has shown it already); repeated, older (the same, or an older revision, was told before; revisions that are whole numbers are ordered, others are compared with the digest of what was told); unknown (no such resource is assumed to be there). Any isolation level. FW020, FW023, FW025, FW028: what is wrong is said.';

-- Whole numbers grow. Other revisions (an ETag) tell whether it is the same, and not which is newer.
create function foreword_code.is_ordered(p_revision text) returns boolean
language sql immutable parallel safe
return p_revision ~ '^[0-9]{1,100}$';

create function foreword_code.older(p_revision text, p_than text) returns boolean
language plpgsql immutable parallel safe
as $$
begin
  if foreword_code.is_ordered(p_revision) and foreword_code.is_ordered(p_than) then
    return p_revision::numeric < p_than::numeric;
  end if;
  return false;
end
$$;
