-- What persons ruled.
create view foreword.ruling as
select
  l.entry as intent_id,
  e.scope,
  e.kind,
  r.name,
  e.verb,
  l.ruling,
  l.ruled_by as by,
  l.login,
  l.note,
  l.ruled_at as at,
  l.state_before,
  l.reason_before,
  l.attempts,
  l.external_id,
  l.id
from foreword_private.ruling l
join foreword_private.entry e on e.id = l.entry
join foreword_private.resource r on r.id = e.resource;

comment on view foreword.ruling is 'Every ruling of a person on an intent; kept for ever.';
comment on column foreword.ruling.intent_id is 'The intent.';
comment on column foreword.ruling.scope is 'Tenant or account.';
comment on column foreword.ruling.kind is 'Kind of resource.';
comment on column foreword.ruling.name is 'Name of the resource.';
comment on column foreword.ruling.verb is 'What was to be done.';
comment on column foreword.ruling.ruling is 'happened, did_not_happen, retry or abandon; approve; cancel.';
comment on column foreword.ruling.by is 'Who ruled, as he said.';
comment on column foreword.ruling.login is 'User of the database who was logged in.';
comment on column foreword.ruling.note is 'Why, in his words.';
comment on column foreword.ruling.at is 'When.';
comment on column foreword.ruling.state_before is 'State that the intent was in.';
comment on column foreword.ruling.reason_before is 'Why it was in that state: what had come back instead of an answer.';
comment on column foreword.ruling.attempts is 'External calls begun until then: the ruling speaks of those.';
comment on column foreword.ruling.external_id is 'Id of the effect at the API, where it was ruled that it happened and the id was given.';
comment on column foreword.ruling.id is 'Grows with each ruling.';
