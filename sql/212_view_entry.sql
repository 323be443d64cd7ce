-- The log itself: every version of every resource, whatever made it.
create view foreword.entry as
select
  e.id,
  e.scope,
  e.kind,
  r.name,
  e.version,
  e.cause,
  e.verb,
  e.state,
  e.reason,
  e.decision as decision_id,
  e.recorded_at,
  e.applied_at,
  e.settled_at,
  e.assumed as state_after,
  e.labels
from foreword_private.entry e
join foreword_private.resource r on r.id = e.resource;

comment on view foreword.entry is 'The write-ahead log: every version of every resource, and what made it.';
comment on column foreword.entry.id is 'Its number; of an intent the number of the intent.';
comment on column foreword.entry.scope is 'Tenant or account.';
comment on column foreword.entry.kind is 'Kind of resource.';
comment on column foreword.entry.name is 'Name of the resource.';
comment on column foreword.entry.version is 'Version of the resource that it made.';
comment on column foreword.entry.cause is 'intent, observation (a look showed something else), withdrawal (what was assumed did not come true) or ruling.';
comment on column foreword.entry.verb is 'create, update, delete, or one of the provider''s own.';
comment on column foreword.entry.state is 'Of an intent its state, else recorded.';
comment on column foreword.entry.reason is 'Why it is in that state; null where nothing is to be said.';
comment on column foreword.entry.decision_id is 'The decision that wrote it.';
comment on column foreword.entry.recorded_at is 'When it was written, shortly before it committed.';
comment on column foreword.entry.applied_at is 'When the API answered that it is done.';
comment on column foreword.entry.settled_at is 'When no more work was owed; null: open.';
comment on column foreword.entry.state_after is 'Assumed state of the resource after it; null: absent.';
comment on column foreword.entry.labels is 'Labels of the resource after it.';
