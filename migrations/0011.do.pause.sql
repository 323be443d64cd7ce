-- Pausing a scope. Every decision reads the row of its scope as it is written, so that a pause is a fact like any
-- other that it relied on: `version` is even while the scope goes on, and odd while it is paused. The row is there
-- before anybody pauses, and no column of it is indexed but the key: a pause disturbs the deciders of its own
-- scope, and nobody else's. The table of 0003 was never written to.
-- squawk-ignore ban-drop-table
drop table foreword_private.scope;

create table foreword_private.scope (
  scope text primary key,
  version bigint not null default 0
) with (fillfactor = 50);

-- An empty index is locked as a whole by its first reader; one row that is nobody's prevents that.
insert into foreword_private.scope (scope)
values ('');

insert into foreword_private.scope (scope)
select distinct r.scope
from foreword_private.resource r;

-- Who paused what, and who let it go on: kept for ever. `version` is the one that the pause made. Deciders read it
-- only to say why they are refused.
create table foreword_private.pause (
  scope text not null,
  version bigint not null,
  paused_at timestamptz not null default clock_timestamp(),
  paused_by text not null,
  paused_login text not null default session_user,
  note text not null default '',
  resumed_at timestamptz,
  resumed_by text,
  resumed_login text,
  resumed_note text,
  primary key (scope, version)
);
-- What is paused now: nearly always nothing.
create unique index pause_open on foreword_private.pause (scope) where resumed_at is null;

-- The version of its scope that a decision relied on. Null: it records what was seen or taken back, or is older.
alter table foreword_private.decision add column scope_version bigint;

-- Set aside by a claim, since its scope is paused: due to nobody until that goes on. A backlog of a paused scope
-- costs the others nothing.
alter table foreword_private.entry add column held boolean not null default false;

-- (The migrator holds the table anyway.)
-- squawk-ignore require-concurrent-index-creation
create index entry_held on foreword_private.entry (scope) where held;
