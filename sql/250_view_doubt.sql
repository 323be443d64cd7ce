-- Intents whose outcome nobody knows, with what a person needs to rule on them. The call in question is the
-- newest that may have happened: a later one may have been refused, or never sent.
create view foreword.doubt as
select
  e.id as intent_id,
  e.scope,
  e.kind,
  r.name,
  e.verb,
  a.ended_at as since,
  format('Did %s of %s/%s happen?', e.verb, e.kind, r.name) as question,
  jsonb_build_object(
    'at', a.started_at,
    'attempt', a.number,
    'idempotency_key', a.idempotency_key,
    'verb', e.verb,
    'state', e.assumed,
    'before', p.assumed,
    'args', g.args,
    'digest', encode(sha256(convert_to(concat_ws(' ', e.verb, e.assumed::text), 'UTF8')), 'hex')
  ) as sent,
  coalesce(
    a.error,
    case when a.outcome = 'applied' then 'that it is done' end,
    e.reason
  ) as answered,
  jsonb_build_object(
    'looks', e.looks,
    'next_at', e.due_at,
    'observed', o.observed,
    'observed_at', o.observed_at,
    'external_id', coalesce(a.external_id, o.external_id),
    'operation', a.operation
  ) as lookup,
  (
    select count(*)
    from foreword_private.entry b
    where
      b.settled_at is null
      and b.id <> e.id
      and (
        (b.resource = e.resource and b.version > e.version)
        or exists (
          select
          from unnest(b.after_resources, b.after_versions) as w (resource, version)
          where w.resource = e.resource and w.version >= e.version
        )
        or b.waits_for = e.id
        or exists (
          select
          from foreword_private.decision d
          where d.id = b.decision and d.waits_for = e.id and b.state = 'pending'
        )
      )
  ) as blocks,
  e.due_at is null as waits_for_a_person,
  e.reason,
  (
    select count(*)
    from foreword_private.ruling l
    where l.entry = e.id
  ) as rulings
from foreword_private.entry e
join foreword_private.resource r on r.id = e.resource
left join foreword_private.entry p on p.resource = e.resource and p.version = e.version - 1
left join lateral (
  select c.*
  from foreword_private.attempt c
  where c.entry = e.id
  order by c.outcome is distinct from 'rejected' desc, c.number desc
  limit 1
) a on true
left join foreword_private.argument g on g.resource = e.resource and g.version = e.version
left join foreword_private.observation o on o.resource = e.resource
where e.state = 'in_doubt' and e.settled_at is null;

comment on view foreword.doubt is 'Intents whose outcome is unknown: being looked up, or waiting for a person.';
comment on column foreword.doubt.intent_id is 'The intent; `foreword resolve` takes it.';
comment on column foreword.doubt.scope is 'Tenant or account.';
comment on column foreword.doubt.kind is 'Kind of resource.';
comment on column foreword.doubt.name is 'Name of the resource.';
comment on column foreword.doubt.verb is 'What was to be done.';
comment on column foreword.doubt.since is 'Since when the outcome is unknown.';
comment on column foreword.doubt.question is 'What must be known.';
comment on column foreword.doubt.sent is 'What was sent and when, in which attempt, under which key; the state to be reached (references unresolved, no secrets), its digest, and the state before.';
comment on column foreword.doubt.answered is 'What came back instead of an answer.';
comment on column foreword.doubt.lookup is 'What look-ups show: how many, when the next is, what was seen last and when, and the id at the API as far as it is known, and what it calls the operation, where it accepted one.';
comment on column foreword.doubt.blocks is 'Number of intents that wait for this one.';
comment on column foreword.doubt.waits_for_a_person is 'False while look-ups may still answer it, or tell a person more.';
comment on column foreword.doubt.reason is 'Why it is in doubt, all in all.';
comment on column foreword.doubt.rulings is 'Rulings on it so far: see foreword.ruling.';
