-- Retention. What was settled long ago moves to files, batch by batch, and leaves a record here in the transaction
-- that takes it out of the log (sql/160_archive.sql): a row is in one place, whoever dies when.
create table foreword_private.archive (
  id bigint generated always as identity primary key,
  -- Who deletes from the log is the transaction that wrote this row, and no other.
  xid xid8 not null default pg_current_xact_id(),
  archived_at timestamptz not null default clock_timestamp(),
  archived_by text not null default session_user,
  file text not null,
  -- Of its lines without the first and the last.
  sha256 text not null,
  bytes bigint not null,
  decisions bigint not null,
  entries bigint not null,
  attempts bigint not null,
  -- When the first and the last of them were decided.
  decided_from timestamptz not null,
  decided_until timestamptz not null
);
create unique index archive_by_file on foreword_private.archive (file);

create trigger log_keeps_its_rows
before update or delete or truncate on foreword_private.archive
for each statement execute function foreword_private.refuse_rewriting_the_log();

-- From which version on a resource has all of them in the log: below are only those that a newer decision saw.
create table foreword_private.archived_resource (
  resource uuid primary key,
  kept_from bigint not null,
  archived bigint not null
);

-- The same of counters. `archived`: the rows, of which a version may have several.
create table foreword_private.archived_counter (
  scope text not null,
  metric text not null,
  kept_from bigint not null,
  archived bigint not null,
  primary key (scope, metric)
);

-- From when on all that was assumed in a scope can be told from the log, and the newest transaction that wrote a
-- version from which on a resource of it is kept.
create table foreword_private.archived_scope (
  scope text primary key,
  kept_since timestamptz not null,
  kept_xid bigint not null
);

-- Null: all of it is in the log. Else what is left is that it was: its id is never decided again.
alter table foreword_private.decision add column archive bigint;

-- Nothing is rewritten still; what is deleted was written to a file before, and the transaction says to which.
create or replace function foreword_private.refuse_rewriting_the_log() returns trigger
language plpgsql as $$
begin
  if
    tg_op = 'DELETE'
    and tg_table_name not in ('archive', 'ruling')
    and (
      select a.xid
      from foreword_private.archive a
      order by a.id desc
      limit 1
    ) = pg_current_xact_id_if_assigned()
  then
    return null;
  end if;
  raise exception '% of foreword_private.% is refused: the log is append-only', lower(tg_op), tg_table_name
    using errcode = 'FW002',
          hint = 'Write a new entry instead. What is old goes by `foreword archive`.';
end
$$;
