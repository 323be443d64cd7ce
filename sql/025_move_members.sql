-- Keeps `member` in step with the labels of resources about to move: whoever has read a predicate
-- that one of them enters or leaves is thereby in conflict with this decision.
create function foreword_code.move_members(p_changes jsonb) returns void
language sql as $$
  with change as materialized (
    select
      c.resource,
      c.scope,
      c.kind,
      c.name,
      s.assumed is not null as was_there,
      s.labels as old_labels,
      c.state is not null as is_there,
      coalesce(c.labels, s.labels) as new_labels
    from jsonb_to_recordset(p_changes)
      as c (resource uuid, scope text, kind text, name text, state jsonb, labels jsonb)
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
  left_behind as (
    delete from foreword_private.member m
    using change c, (table old_pair except table new_pair) p
    where
      p.resource = c.resource
      and m.scope = c.scope
      and m.kind = c.kind
      and m.label = p.label
      and m.value = p.value
      and m.resource = p.resource
  )
  insert into foreword_private.member (scope, kind, label, value, resource, name)
  select c.scope, c.kind, p.label, p.value, c.resource, c.name
  from change c
  join (table new_pair except table old_pair) p on p.resource = c.resource;
$$;
