-- The policies of the configuration, as who started last has registered them: deciders in SQL are under the same,
-- and workers keep its windows. `scope`, `kind` and `name` are globs; a later row has the say over an earlier one.
create table foreword_private.policy (
  position integer primary key,
  scope text not null,
  kind text not null,
  name text not null,
  approve text[],
  prevent_destroy boolean,
  deletes_max integer,
  deletes_max_percent double precision,
  -- [{days, from, to}]: ISO days of the week, minutes of the day, UTC.
  windows jsonb,
  registered_at timestamptz not null default clock_timestamp(),
  registered_by text not null default session_user
);

-- An empty index is locked as a whole by its first reader; one row that is nobody's, and covers nothing, prevents
-- that.
insert into foreword_private.policy (position, scope, kind, name)
values (0, '', '', '');

-- Outside of its window it is due when that opens.
alter table foreword_private.entry add column held_until timestamptz;
-- (The migrator holds the table anyway.)
-- squawk-ignore require-concurrent-index-creation
create index entry_held_until on foreword_private.entry (held_until) where held_until is not null;

-- A run is the worker's that began it: dead, it runs no more.
alter table foreword_private.schedule
  add column worker bigint,
  add column next_at timestamptz,
  add column skipped bigint not null default 0,
  add column last_skipped_at timestamptz;
