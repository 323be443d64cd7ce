-- Where the world differs now from what is assumed, and where it did.
create view foreword.drift_history as
select
  r.scope,
  r.kind,
  r.name,
  d.path,
  d.assumed,
  d.observed,
  d.since,
  d.resolved_at
from foreword_private.drift d
join foreword_private.resource r on r.id = d.resource;

comment on view foreword.drift_history is 'Every difference ever seen between the world and what was assumed.';
comment on column foreword.drift_history.scope is 'Tenant or account.';
comment on column foreword.drift_history.kind is 'Kind of resource.';
comment on column foreword.drift_history.name is 'Name of the resource.';
comment on column foreword.drift_history.path is 'Where in the state; empty: the whole resource; #id: another one of its name is there.';
comment on column foreword.drift_history.assumed is 'What was assumed there.';
comment on column foreword.drift_history.observed is 'What the provider showed there; null: nothing.';
comment on column foreword.drift_history.since is 'When it was first seen.';
comment on column foreword.drift_history.resolved_at is 'When a look no longer showed it; null: still so.';

create view foreword.drift as
select
  h.scope,
  h.kind,
  h.name,
  h.path,
  h.assumed,
  h.observed,
  h.since
from foreword.drift_history h
where h.resolved_at is null;

comment on view foreword.drift is 'Where the world differs now from what was assumed; a row goes when a look shows it repaired or adopted.';
comment on column foreword.drift.scope is 'Tenant or account.';
comment on column foreword.drift.kind is 'Kind of resource.';
comment on column foreword.drift.name is 'Name of the resource.';
comment on column foreword.drift.path is 'Where in the state; empty: the whole resource; #id: another one of its name is there.';
comment on column foreword.drift.assumed is 'What was assumed there.';
comment on column foreword.drift.observed is 'What the provider shows there; null: nothing.';
comment on column foreword.drift.since is 'When it was first seen.';
