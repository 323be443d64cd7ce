-- Says of each change with `needs` which versions it comes after: of a resource that moves in the same
-- decision the version to come, else the one that is assumed now. What was never there is not waited for.
-- The changes keep their order: it is the one in which their rows are locked.
create function foreword_code.place_after(p_changes jsonb) returns jsonb
language sql as $$
  select
    jsonb_agg(
      case
        when a.resources is null then c.change
        else c.change || jsonb_build_object(
          'after_resources', a.resources,
          'after_versions', a.versions
        )
      end
      order by c.place
    )
  from jsonb_array_elements(p_changes) with ordinality as c (change, place)
  left join lateral (
    select
      jsonb_agg(n.resource) as resources,
      jsonb_agg(n.version) as versions
    from (
      select
        s.resource,
        s.version + exists (
          select
          from jsonb_array_elements(p_changes) as o (change)
          where (o.change ->> 'resource')::uuid = s.resource
        )::integer as version
      from jsonb_array_elements_text(
        case when jsonb_typeof(c.change -> 'needs') = 'array' then c.change -> 'needs' else '[]' end
      ) as w (resource)
      -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
      cross join lateral (
        select s.resource, s.version
        from foreword_private.resource_state s
        where s.resource = w.resource::uuid
        offset 0
      ) s
    ) n
    where n.version > 0
  ) a on true;
$$;
