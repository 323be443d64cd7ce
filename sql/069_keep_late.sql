-- What was learned under an old lease of the names of a resource: kept where none is known, and nothing has been called
-- for or seen of it since. So what comes of a call that everybody had given up on is found.
create function foreword_code.keep_late(p_results jsonb, p_moved bigint[]) returns void
language sql as $$
  insert into foreword_private.observation as o (resource, external_id, outputs)
  select
    r.resource,
    r.external_id,
    coalesce(r.outputs, '{}')
  from jsonb_to_recordset(p_results) as r (
    entry bigint,
    resource uuid,
    external_id text,
    outputs jsonb
  )
  cross join lateral (
    select e.version
    from foreword_private.entry e
    where e.id = r.entry
    offset 0
  ) e
  where
    (r.external_id is not null or r.outputs is not null)
    and r.entry <> all (p_moved)
    and not exists (
      select
      from foreword_private.entry n
      where
        n.resource = r.resource
        and n.version > e.version
        and (n.attempts > 0 or n.cause = 'observation')
    )
  on conflict (resource) do update
  set
    external_id = coalesce(o.external_id, excluded.external_id),
    outputs = case when o.outputs = '{}' then excluded.outputs else o.outputs end;
$$;
