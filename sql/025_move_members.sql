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
    join foreword_private.resource_state s on s.resource = c.resource
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
    select o.resource, o.label, o.value, false as entered
    from (table old_pair except table new_pair) o
    union all
    select n.resource, n.label, n.value, true
    from (table new_pair except table old_pair) n
  ),
  gone as (
    delete from foreword_private.member m
    using change c, crossing x
    where
      not x.entered
      and x.resource = c.resource
      and m.scope = c.scope
      and m.kind = c.kind
      and m.label = x.label
      and m.value = x.value
      and m.resource = x.resource
  ),
  come as (
    insert into foreword_private.member (scope, kind, label, value, resource, name)
    select c.scope, c.kind, x.label, x.value, c.resource, c.name
    from change c
    join crossing x on x.resource = c.resource
    where x.entered
  )
  insert into foreword_private.member_entry (
    scope, kind, label, value, xid, resource, version, decision, entered
  )
  select
    c.scope,
    c.kind,
    x.label,
    x.value,
    pg_current_xact_id(),
    c.resource,
    c.version,
    c.decision,
    x.entered
  from change c
  join crossing x on x.resource = c.resource;
$$;
