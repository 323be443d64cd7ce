-- What is consumed of each metric.
create view foreword.quota as
select
  q.scope,
  q.metric,
  q.consumed,
  q.version
from foreword_private.quota q;

comment on view foreword.quota is 'What resources consume of each metric that deciders count, unsettled intents included.';
comment on column foreword.quota.scope is 'Tenant or account.';
comment on column foreword.quota.metric is 'Name of the metric.';
comment on column foreword.quota.consumed is 'How much is consumed; given back when a deletion is confirmed or an intent withdrawn.';
comment on column foreword.quota.version is 'Grows by one with each change; decisions that read the counter record it.';
