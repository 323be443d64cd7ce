-- What persons ruled: on a call whose outcome nobody knows, on an intent that waits for approval, on one
-- that shall not be carried out. Kept for ever, with who, when and why; `login` is who was logged in,
-- whoever he said that he is. `attempts` is how many calls had been begun: the ruling speaks of those.
create table foreword_private.ruling (
  id bigint generated always as identity primary key,
  entry bigint not null,
  ruling text not null,
  ruled_by text not null,
  login text not null default session_user,
  note text not null,
  ruled_at timestamptz not null default clock_timestamp(),
  state_before text not null,
  reason_before text,
  attempts integer not null,
  external_id text,
  constraint ruling_known check (
    ruling in ('happened', 'did_not_happen', 'retry', 'abandon', 'approve', 'cancel')
  )
);
create index ruling_by_entry on foreword_private.ruling (entry);

create trigger log_keeps_its_rows
before update or delete or truncate on foreword_private.ruling
for each statement execute function foreword_private.refuse_rewriting_the_log();
