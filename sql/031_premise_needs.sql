-- What an intent needs was read too: where it stands in the log hangs on the version that is assumed now, or
-- on its absence. So it is a premise of its decision like whatever else was read, unless it is one already,
-- or moves in the same decision.
create function foreword_code.premise_needs(p_decisions jsonb, p_changes jsonb) returns jsonb
language sql as $$
  with moved as materialized (
    select jsonb_path_query_array(p_changes, '$[*].resource') as resources
  ),
  needed as materialized (
    select distinct (c.change ->> 'decision')::uuid as decision, w.resource
    from jsonb_array_elements(p_changes) as c (change)
    cross join lateral jsonb_array_elements_text(
      case when jsonb_typeof(c.change -> 'needs') = 'array' then c.change -> 'needs' else '[]' end
    ) as w (resource)
    cross join moved m
    where not m.resources ? w.resource
  )
  select
    jsonb_agg(
      case
        when n.resources is null then d.decision
        else d.decision || jsonb_build_object(
          'premise_resources', coalesce(d.decision -> 'premise_resources', '[]') || n.resources,
          'premise_versions', coalesce(d.decision -> 'premise_versions', '[]') || n.versions
        )
      end
      order by d.place
    )
  from jsonb_array_elements(p_decisions) with ordinality as d (decision, place)
  left join lateral (
    select
      jsonb_agg(s.resource) as resources,
      jsonb_agg(s.version) as versions
    from needed w
    -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
    cross join lateral (
      select s.resource, s.version
      from foreword_private.resource_state s
      where s.resource = w.resource::uuid
      offset 0
    ) s
    where
      w.decision = (d.decision ->> 'id')::uuid
      and not coalesce(d.decision -> 'premise_resources', '[]') ? w.resource
  ) n on true;
$$;
