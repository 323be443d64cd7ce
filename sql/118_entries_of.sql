-- What decisions wrote: for who has lost the answer to their COMMIT, and with it their rows.
create function foreword_code.entries_of(p_decisions uuid[])
returns table (decision uuid, id bigint, resource uuid, version bigint)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select e.decision, e.id, e.resource, e.version
  from foreword_private.entry e
  where e.decision = any (p_decisions)
  order by e.id;
$$;
