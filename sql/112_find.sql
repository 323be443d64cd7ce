-- Reads the resources of a kind that carry a label, or all of the kind. The rows of `member` that are
-- read are what a creator, a deleter or a relabeller writes: phantoms meet.
create function foreword.find(
  scope text,
  kind text,
  label text default null,
  value text default null
) returns table (name text, version bigint, state jsonb, labels jsonb)
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
  rows_max constant integer := 1000;
  asked_label constant text := coalesce(find.label, '');
  asked_value constant text := coalesce(find.value, '');
  asked_key uuid;
  resources uuid[];
  versions bigint[];
begin
  perform foreword_code.must_be_serializable('foreword.find');
  perform foreword_code.check_name('scope', find.scope);
  perform foreword_code.check_name('kind', find.kind);
  if (find.label is null) <> (find.value is null) or find.label = '' then
    raise exception 'find needs a label with its value, or neither'
      using errcode = 'FW028', hint = 'foreword.find(scope, kind, label, value) or foreword.find(scope, kind)';
  end if;
  -- Such a decision would be taken for one that found without seeing what the other had made.
  if foreword_code.noted('moved') @> jsonb_build_array(jsonb_build_array(find.scope, find.kind)) then
    raise exception 'find % after a decision of the same transaction that created, deleted or labelled some',
      find.kind
      using errcode = 'FW016', hint = 'Commit that decision first, or intend everything in one.';
  end if;
  asked_key := foreword_code.member_key(find.scope, find.kind, asked_label, asked_value);
  select array_agg(f.resource), array_agg(f.version)
  into resources, versions
  from (
    select m.resource, s.version
    from foreword_private.member m
    -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
    cross join lateral (
      select s.version
      from foreword_private.resource_state s
      where s.resource = m.resource
      offset 0
    ) s
    where m.key = asked_key
    limit rows_max + 1
  ) f;
  if cardinality(resources) > rows_max then
    raise exception 'find % matches more than % resources',
      find.kind || coalesce(' ' || find.label || '=' || find.value, ''), rows_max
      using errcode = 'FW015', hint = 'Ask narrower by a label, or keep a counter.';
  end if;
  perform foreword_code.note(
    'predicates',
    jsonb_build_object(
      'scope', find.scope,
      'kind', find.kind,
      'labels', case when find.label is null then '{}' else jsonb_build_object(find.label, find.value) end,
      'label', asked_label,
      'value', asked_value,
      'found', coalesce(cardinality(resources), 0),
      -- As src/decide/plan.ts digests who answered: the ids in order, joined by blanks.
      'digest', left(
        encode(
          sha256(
            convert_to(
              coalesce((select string_agg(r::text, ' ' order by r::text collate "C") from unnest(resources) r), ''),
              'UTF8'
            )
          ),
          'hex'
        ),
        32
      )
    )::text
  );
  perform foreword_code.note(
    'premises',
    string_agg(jsonb_build_object('resource', p.resource, 'version', p.version)::text, ',')
  )
  from unnest(resources, versions) as p (resource, version);
  return query
  select m.name, s.version, s.assumed, s.labels
  from foreword_private.member m
  cross join lateral (
    select s.version, s.assumed, s.labels
    from foreword_private.resource_state s
    where s.resource = m.resource
    offset 0
  ) s
  where m.key = asked_key
  order by m.name;
end
$$;
comment on function foreword.find(text, text, text, text) is
  'In a SERIALIZABLE transaction: the resources of a kind that carry a label with this value, or all of the kind, by name, 1,000 at most. Who creates, deletes or relabels such a resource meets this decision. FW001: another isolation level. FW015: more than 1,000. FW016: an earlier decision of the transaction has created, deleted or labelled such. FW028: a label without a value.';
