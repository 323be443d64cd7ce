-- The policies that hold for deciders in SQL, and the windows that workers keep.
create view foreword.policy as
select
  p.position,
  p.scope,
  p.kind,
  p.name,
  p.approve,
  p.prevent_destroy,
  p.deletes_max,
  p.deletes_max_percent,
  p.windows,
  p.registered_at,
  p.registered_by
from foreword_private.policy p
where p.position > 0;

comment on view foreword.policy is 'Policies of the configuration, as the worker or `foreword migrate` that started last registered them.';
comment on column foreword.policy.position is 'Its place in the configuration: where two say something of the same, the later has the say.';
comment on column foreword.policy.scope is 'Scopes that it covers: a glob.';
comment on column foreword.policy.kind is 'Kinds that it covers: a glob.';
comment on column foreword.policy.name is 'Names that it covers: a glob.';
comment on column foreword.policy.approve is 'Verbs that wait for a person''s approval.';
comment on column foreword.policy.prevent_destroy is 'True: no deletion is decided (FW026).';
comment on column foreword.policy.deletes_max is 'Deletions of a kind in one decision; if there are more, all its deletions wait for approval.';
comment on column foreword.policy.deletes_max_percent is 'The same, in percent of the resources of the kind.';
comment on column foreword.policy.windows is 'When what it covers may be begun: [{days, from, to}], ISO days of the week (1 is Monday), minutes of the day, UTC.';
comment on column foreword.policy.registered_at is 'When it was registered.';
comment on column foreword.policy.registered_by is 'User of the database who registered it.';
