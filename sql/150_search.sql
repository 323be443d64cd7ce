-- Resources by what a person remembers of them, at any number of resources: every path is an index's, in pieces,
-- and ends where somebody who waits would rather be asked whether to go on.
create function foreword.search(
  in_scope text default null,
  of_kind text default null,
  named text default null,
  label text default null,
  value text default null,
  in_condition text default null,
  after text[] default null,
  at_most integer default 50
) returns table (
  scope text,
  kind text,
  name text,
  labels jsonb,
  version bigint,
  in_sync boolean,
  condition text,
  reason text,
  since timestamptz,
  found boolean
)
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  few_max constant integer := 5000;
  looked_max constant integer := 2000;
  walked_max constant integer := 100000;
  pattern constant text := foreword_code.search_pattern(search.named);
  -- Names that begin alike stand side by side where strings are ordered by code, and only there.
  side_by_side constant boolean := pattern is null or (pattern !~ '^%' and 'B' < 'a');
  few uuid[];
  keys jsonb;
  last_key text[];
  place text[] := coalesce(search.after, array['', '', '']);
  step integer;
  seen integer;
  more integer;
  looked integer := 0;
  walked integer := 0;
  given integer := 0;
begin
  if cardinality(place) <> 3 or array_position(place, null) is not null or search.at_most not between 1 and 1000 then
    raise exception 'a search goes on after {scope, kind, name}, and finds 1 to 1000'
      using errcode = 'FW028', hint = 'Give the scope, kind and name of the last row.';
  end if;
  few := foreword_code.search_few(
    search.in_scope, search.of_kind, search.label, search.value, search.in_condition, few_max + 1
  );
  if cardinality(few) > few_max then
    few := null;
  end if;
  loop
    step := case
      when few is not null then looked_max
      when not side_by_side then 5000
      when walked > 0 or coalesce(search.in_condition, search.label) is not null then 500
      else search.at_most
    end;
    select
      count(*),
      coalesce(
        jsonb_agg(jsonb_build_array(k.scope, k.kind, k.name)) filter (where k.fits),
        '[]'
      ),
      coalesce((array_agg(array[k.scope, k.kind, k.name]))[count(*):count(*)], '{}')
    into seen, keys, last_key
    from foreword_code.search_keys(
      few, search.in_scope, search.of_kind, pattern, side_by_side, place, step
    ) k;
    exit when seen = 0;
    place := array[last_key[1][1], last_key[1][2], last_key[1][3]];
    return query
    select
      v.scope, v.kind, v.name, v.labels, v.version, v.in_sync, v.condition, v.reason, v.since, true
    from jsonb_array_elements(keys) with ordinality as k (key, nr)
    cross join lateral (
      select r.*
      from foreword.resource r
      where r.scope = k.key ->> 0 and r.kind = k.key ->> 1 and r.name = k.key ->> 2
      offset 0
    ) v
    where
      (search.label is null or v.labels ? search.label)
      and (search.value is null or v.labels ->> search.label = search.value)
      and case
        when search.in_condition is null then true
        when search.in_condition = 'open' then v.condition in ('pending', 'applying', 'applied')
        when search.in_condition = 'out_of_sync' then not v.in_sync
        else v.condition = search.in_condition
      end
    order by k.nr
    limit search.at_most - given;
    get diagnostics more = row_count;
    given := given + more;
    looked := looked + jsonb_array_length(keys);
    walked := walked + seen;
    exit when given >= search.at_most or seen < step;
    if looked >= looked_max or walked > walked_max then
      return query
      select
        place[1], place[2], place[3], null::jsonb, null::bigint, null::boolean, null::text, null::text,
        null::timestamptz, false;
      exit;
    end if;
  end loop;
end
$$;
comment on function foreword.search(text, text, text, text, text, text, text[], integer) is
  'Resources in the order of scope, kind and name, after a key. named: how the name begins; with * in it: the whole name, * standing for anything. in_condition: a word of foreword.resource.condition, or open (an intent is under way), or out_of_sync. It looks at 2,000 resources, or 100,000 names, and then says how far it came: a last row with found false, whose key is where to go on after.';

-- What a person types as a name, as a pattern for LIKE.
create function foreword_code.search_pattern(p_named text) returns text
language sql immutable parallel safe
return case
  when p_named is null or p_named = '' then null
  when strpos(p_named, '*') > 0
    then replace(regexp_replace(p_named, '([\\%_])', '\\\1', 'g'), '*', '%')
  else regexp_replace(p_named, '([\\%_])', '\\\1', 'g') || '%'
end;

-- All that can match, where an index knows them and they are few enough to be put in order; null: none does.
create function foreword_code.search_few(
  p_scope text,
  p_kind text,
  p_label text,
  p_value text,
  p_condition text,
  p_max integer
) returns uuid[]
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if p_condition in ('open', 'applying', 'applied', 'in_doubt', 'awaiting_approval') then
    return array(
      select distinct e.resource
      from foreword_private.entry e
      where e.settled_at is null
      limit p_max
    );
  elsif p_condition = 'drifted' then
    return array(
      select distinct d.resource
      from foreword_private.drift d
      where d.resolved_at is null
      limit p_max
    );
  elsif p_label is not null and p_value is not null then
    return array(
      select m.resource
      from foreword_code.search_pairs(p_scope, '', '') p
      cross join lateral (
        select m.resource
        from foreword_private.member m
        where m.key = foreword_code.member_key(p.scope, p.kind, p_label, p_value)
        limit p_max
      ) m
      where p_kind is null or p.kind = p_kind
      limit p_max
    );
  end if;
  return null;
end
$$;

-- The scopes and kinds that there are, from one on: a probe of the index for each, however many resources.
create function foreword_code.search_pairs(p_scope text, p_from_scope text, p_from_kind text)
returns table (scope text, kind text)
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  if p_scope is not null then
    return query
    with recursive pair as (
      (
        select r.kind
        from foreword_private.resource r
        where r.scope = p_scope and r.kind >= case when p_from_scope = p_scope then p_from_kind else '' end
        order by r.kind
        limit 1
      )
      union all
      select n.kind
      from pair p
      cross join lateral (
        select r.kind
        from foreword_private.resource r
        where r.scope = p_scope and r.kind > p.kind
        order by r.kind
        limit 1
      ) n
    )
    select p_scope, p.kind
    from pair p
    where p_from_scope <= p_scope
    limit 10000;
  else
    return query
    with recursive pair as (
      (
        select r.scope, r.kind
        from foreword_private.resource r
        where (r.scope, r.kind) >= (p_from_scope, p_from_kind)
        order by r.scope, r.kind
        limit 1
      )
      union all
      select n.scope, n.kind
      from pair p
      cross join lateral (
        select r.scope, r.kind
        from foreword_private.resource r
        where (r.scope, r.kind) > (p.scope, p.kind)
        order by r.scope, r.kind
        limit 1
      ) n
    )
    select p.scope, p.kind
    from pair p
    limit 10000;
  end if;
end
$$;

create function foreword.kinds(in_scope text default null) returns table (scope text, kind text)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select p.scope, p.kind
  from foreword_code.search_pairs(in_scope, '', '') p;
$$;
comment on function foreword.kinds(text) is
  'The scopes that there are, and the kinds in each, in their order: 10,000 at most, and as quick as these are few, however many resources.';

-- The next keys after a place, in their order, and whether the name fits. Names that stand side by side are
-- found by the index, else they are walked through.
create function foreword_code.search_keys(
  p_few uuid[],
  p_scope text,
  p_kind text,
  p_pattern text,
  p_side_by_side boolean,
  p_place text[],
  p_step integer
) returns table (scope text, kind text, name text, fits boolean)
language plpgsql stable
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_custom_plan
as $$
begin
  if p_few is not null then
    return query
    select r.scope, r.kind, r.name, p_pattern is null or r.name like p_pattern
    from unnest(p_few) as f (id)
    join foreword_private.resource r on r.id = f.id
    where
      (p_scope is null or r.scope = p_scope)
      and (p_kind is null or r.kind = p_kind)
      and (r.scope, r.kind, r.name) > (p_place[1], p_place[2], p_place[3])
    order by r.scope, r.kind, r.name
    limit p_step;
  else
    return query
    select k.scope, k.kind, k.name, p_pattern is null or k.name like p_pattern
    from foreword_code.search_pairs(p_scope, p_place[1], p_place[2]) p
    cross join lateral (
      select r.scope, r.kind, r.name
      from foreword_private.resource r
      where
        r.scope = p.scope
        and r.kind = p.kind
        and (not p_side_by_side or p_pattern is null or r.name like p_pattern)
        and r.name > case when p.scope = p_place[1] and p.kind = p_place[2] then p_place[3] else '' end
      order by r.name
      limit p_step
    ) k
    where p_kind is null or p.kind = p_kind
    limit p_step;
  end if;
end
$$;
