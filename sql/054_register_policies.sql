-- The policies of a configuration are those that hold from now on, all of them and no others. Returns whether that
-- changes anything. What waits for a window is due, and asked again. In a SERIALIZABLE transaction: policies are
-- premises of who decides under them.
create function foreword_code.register_policies(p_policies jsonb) returns boolean
language plpgsql as $$
begin
  if
    p_policies is not distinct from (
      select coalesce(jsonb_agg(
        jsonb_build_object(
          'scope', p.scope,
          'kind', p.kind,
          'name', p.name,
          'approve', to_jsonb(p.approve),
          'prevent_destroy', p.prevent_destroy,
          'deletes_max', p.deletes_max,
          'deletes_max_percent', p.deletes_max_percent,
          'windows', p.windows
        )
        order by p.position
      ), '[]')
      from foreword_private.policy p
      where p.position > 0
    )
  then
    return false;
  end if;
  delete from foreword_private.policy p
  where p.position > 0;
  insert into foreword_private.policy (
    position, scope, kind, name, approve, prevent_destroy, deletes_max, deletes_max_percent, windows
  )
  select
    p.position,
    p.scope,
    p.kind,
    p.name,
    p.approve,
    p.prevent_destroy,
    p.deletes_max,
    p.deletes_max_percent,
    -- Absent, and not a null of JSON.
    nullif(p.windows, 'null')
  from rows from (
    jsonb_to_recordset(p_policies) as (
      scope text,
      kind text,
      name text,
      approve text[],
      prevent_destroy boolean,
      deletes_max integer,
      deletes_max_percent double precision,
      windows jsonb
    )
  ) with ordinality
    as p (
      scope,
      kind,
      name,
      approve,
      prevent_destroy,
      deletes_max,
      deletes_max_percent,
      windows,
      position
    );
  update foreword_private.entry e
  set
    due_at = case when e.settled_at is null then clock_timestamp() end,
    held_until = null
  where e.held_until is not null;
  return true;
end
$$;
