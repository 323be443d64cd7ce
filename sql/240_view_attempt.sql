-- Every try at an external call.
create view foreword.attempt as
select
  a.entry as intent_id,
  a.number,
  a.started_at,
  a.ended_at,
  a.deadline_at,
  a.outcome,
  a.error_class,
  a.error,
  a.response,
  a.idempotency_key,
  a.worker,
  a.epoch,
  a.external_id,
  a.operation
from foreword_private.attempt a;

comment on view foreword.attempt is 'Every try at an external call, written before the call was made.';
comment on column foreword.attempt.intent_id is 'The intent.';
comment on column foreword.attempt.number is '1 for the first try.';
comment on column foreword.attempt.started_at is 'When the attempt was committed; the call began after that.';
comment on column foreword.attempt.ended_at is 'When its outcome was written; null: under way.';
comment on column foreword.attempt.deadline_at is 'When the call is given up at the latest.';
comment on column foreword.attempt.outcome is 'applied, rejected (it certainly did not happen) or in_doubt; null: under way.';
comment on column foreword.attempt.error_class is 'not_sent, throttled, rejected, unknown, timeout, worker_lost.';
comment on column foreword.attempt.error is 'What went wrong, in words.';
comment on column foreword.attempt.response is 'State that the API answered with.';
comment on column foreword.attempt.idempotency_key is 'Key sent with the call; the same for every attempt of an intent.';
comment on column foreword.attempt.worker is 'Worker that made it.';
comment on column foreword.attempt.epoch is 'Lease it was made under; an older lease cannot settle.';
comment on column foreword.attempt.external_id is 'Id that the API returned, kept even where the outcome came too late.';
comment on column foreword.attempt.operation is 'What the API calls the operation that it accepted, where it answers so; asked for until it ends.';
