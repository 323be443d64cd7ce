-- Intents whose outcome nobody knows, with what a person needs to rule on them.
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
    'idempotency_key', a.idempotency_key,
    'state', e.assumed
  ) as sent,
  coalesce(a.error, e.reason) as answered,
  jsonb_build_object(
    'looks', e.looks,
    'next_at', e.due_at,
    'observed', o.observed,
    'observed_at', o.observed_at
  ) as lookup,
  (
    select count(*)
    from foreword_private.entry b
    where
      b.settled_at is null
      and b.id <> e.id
      and (
        (b.resource = e.resource and b.version > e.version)
        or e.resource = any (b.after_resources)
      )
  ) as blocks,
  e.due_at is null as waits_for_a_person
from foreword_private.entry e
join foreword_private.resource r on r.id = e.resource
left join foreword_private.attempt a on a.entry = e.id and a.number = e.attempts
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
comment on column foreword.doubt.sent is 'What was sent, when, under which key.';
comment on column foreword.doubt.answered is 'What came back instead of an answer.';
comment on column foreword.doubt.lookup is 'What look-ups show so far.';
comment on column foreword.doubt.blocks is 'Number of intents that wait for this one.';
comment on column foreword.doubt.waits_for_a_person is 'False while look-ups may still answer it.';
