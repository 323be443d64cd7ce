-- Keeps `member` in step with the labels of resources about to move: whoever has read a predicate
-- that one of them enters or leaves is thereby in conflict with this decision. `member_entry` notes
-- the same for certification and audit.
create function foreword_code.move_members(p_changes jsonb) returns void
language sql as $$
  with change as materialized (
    select
      c.decision,
      c.resource,
      c.scope,
      c.kind,
      c.name,
      s.version + 1 as version,
      s.assumed is not null as was_there,
      s.labels as old_labels,
      c.state is not null as is_there,
      coalesce(c.labels, s.labels) as new_labels
    from jsonb_to_recordset(p_changes)
      as c (decision uuid, resource uuid, scope text, kind text, name text, state jsonb, labels jsonb)
    -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
    cross join lateral (
      select s.version, s.assumed, s.labels
      from foreword_private.resource_state s
      where s.resource = c.resource
      offset 0
    ) s
  ),
  old_pair as materialized (
    select c.resource, '' as label, '' as value from change c where c.was_there
    union all
    select c.resource, l.key, l.value
    from change c
    cross join lateral jsonb_each_text(c.old_labels) l
    where c.was_there
  ),
  new_pair as materialized (
    select c.resource, '' as label, '' as value from change c where c.is_there
    union all
    select c.resource, l.key, l.value
    from change c
    cross join lateral jsonb_each_text(c.new_labels) l
    where c.is_there
  ),
  crossing as materialized (
    select
      foreword_code.member_key(c.scope, c.kind, p.label, p.value) as key,
      c.scope,
      c.kind,
      p.label,
      p.value,
      c.resource,
      c.name,
      c.version,
      c.decision,
      p.entered
    from (
      select o.resource, o.label, o.value, false as entered
      from (table old_pair except table new_pair) o
      union all
      select n.resource, n.label, n.value, true
      from (table new_pair except table old_pair) n
    ) p
    join change c on c.resource = p.resource
  ),
  -- By the whole key: a plan that looked for (scope, kind, resource) would lock every page of the kind.
  gone as (
    delete from foreword_private.member m
    using crossing x
    where not x.entered and m.key = x.key and m.resource = x.resource
  ),
  come as (
    insert into foreword_private.member (key, scope, kind, label, value, resource, name)
    select x.key, x.scope, x.kind, x.label, x.value, x.resource, x.name
    from crossing x
    where x.entered
  )
  insert into foreword_private.member_entry (
    scope, kind, label, value, xid, resource, version, decision, entered
  )
  select
    x.scope,
    x.kind,
    x.label,
    x.value,
    foreword_code.log_xid(),
    x.resource,
    x.version,
    x.decision,
    x.entered
  from crossing x;
$$;
