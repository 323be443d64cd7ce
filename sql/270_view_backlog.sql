-- What is not through yet, counted.
create view foreword.backlog as
select
  e.scope,
  e.kind,
  e.state,
  count(*) as count,
  min(e.recorded_at) as oldest,
  min(e.due_at) as next_due
from foreword_private.entry e
where e.settled_at is null
group by e.scope, e.kind, e.state;

comment on view foreword.backlog is 'Unsettled intents, counted by scope, kind and state.';
comment on column foreword.backlog.scope is 'Tenant or account.';
comment on column foreword.backlog.kind is 'Kind of resource.';
comment on column foreword.backlog.state is 'State of the intents counted.';
comment on column foreword.backlog.count is 'How many.';
comment on column foreword.backlog.oldest is 'When the oldest of them was decided.';
comment on column foreword.backlog.next_due is 'When the next of them is looked at; null: they wait for a person.';

-- Decisions that had to be decided again.
create view foreword.conflict as
select
  c.at,
  c.scope,
  c.decider,
  c.tries,
  c.sqlstate,
  c.decision as decision_id
from foreword_private.conflict c;

comment on view foreword.conflict is 'Tries that came to nothing, nearly always because somebody else was first; each was decided again on fresh reads.';
comment on column foreword.conflict.at is 'When.';
comment on column foreword.conflict.scope is 'Tenant or account.';
comment on column foreword.conflict.decider is 'The decider.';
comment on column foreword.conflict.tries is 'Which try it was: 1 for the first.';
comment on column foreword.conflict.sqlstate is '40001: serialization failure; 40P01: deadlock; 55P03: waited too long for a lock; 23505: a premised key was taken; 25P03: the transaction was idle for too long; 08006, 08007: the connection was lost, before COMMIT or in it; 57P01, 57P02, 57P03: the server was stopping or starting; FW031: what was thought over had moved.';
comment on column foreword.conflict.decision_id is 'Id under which it committed in the end, if it did.';
