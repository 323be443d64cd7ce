-- Which unsettled intent is held up by which: by an earlier version of its resource, by what it needs, or by
-- what the order of decisions puts before it, as far as that was looked for.
create view foreword.waiting as
select
  e.id as intent_id,
  w.waits_for,
  w.why
from foreword_private.entry e
cross join lateral (
  (
    select p.id as waits_for, 'version' as why
    from foreword_private.entry p
    where p.resource = e.resource and p.version < e.version and p.settled_at is null
    order by p.version desc
    limit 1
  )
  union all
  select p.id, 'needs'
  from unnest(e.after_resources, e.after_versions) as a (resource, version)
  cross join lateral (
    select p.id
    from foreword_private.entry p
    where p.resource = a.resource and p.version <= a.version and p.settled_at is null
    order by p.version desc
    limit 1
  ) p
  union all
  select b.id, 'order'
  from foreword_private.entry b
  where
    b.settled_at is null
    and b.resource <> e.resource
    and b.resource <> all (e.after_resources)
    and b.id = coalesce(
      e.waits_for,
      (select d.waits_for from foreword_private.decision d where d.id = e.decision)
    )
) w
where
  e.settled_at is null
  and e.state in ('pending', 'awaiting_approval')
  and e.attempts = 0
  and w.waits_for <> e.id;

comment on view foreword.waiting is 'Which unsettled intent waits for which.';
comment on column foreword.waiting.intent_id is 'The intent that waits.';
comment on column foreword.waiting.waits_for is 'The intent that must be through first.';
comment on column foreword.waiting.why is 'version: it makes an earlier version of the same resource; needs: its resource is needed; order: decisions come one after the other, as far as was looked for.';
