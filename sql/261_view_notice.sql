-- What was told of resources without being asked, the newest of each.
create view foreword.notice as
select
  r.scope,
  r.kind,
  r.name,
  n.told_at,
  n.told_by,
  n.state,
  n.revision,
  n.external_id,
  n.outputs,
  n.observed_at,
  n.times,
  n.repeats,
  n.look_at as look_due_at
from foreword_private.notice n
join foreword_private.resource r on r.id = n.resource;

comment on view foreword.notice is 'What foreword.observe was told of each resource, the newest that was news.';
comment on column foreword.notice.scope is 'Tenant or account.';
comment on column foreword.notice.kind is 'Kind of resource.';
comment on column foreword.notice.name is 'Name of the resource.';
comment on column foreword.notice.told_at is 'When it was told, by the clock of this database.';
comment on column foreword.notice.told_by is 'Who told it.';
comment on column foreword.notice.state is 'The state that it is said to have; null: it is said to be gone.';
comment on column foreword.notice.revision is 'The provider''s revision of that.';
comment on column foreword.notice.external_id is 'The id that it is said to have.';
comment on column foreword.notice.outputs is 'The outputs that it is said to have.';
comment on column foreword.notice.observed_at is 'When it is said to have been so; somebody else''s clock, and never relied on.';
comment on column foreword.notice.times is 'How often something was told that was news.';
comment on column foreword.notice.repeats is 'How often the same, or something older, was told.';
comment on column foreword.notice.look_due_at is 'When a worker looks what is there; null: a look has answered it, or it was known.';
