-- The order in which intents are carried out. A decision is placed once others find it among the readers of
-- what it has read, and it is known what it waits for (sql/056_place.sql). An intent that waits for another
-- is due to nobody until that one is through: a backlog costs as much as what can be done about it.
alter table foreword_private.decision
  add column unplaced boolean not null default false,
  -- Each of its intents relied on its own resource and on what it needs, and on nothing else that was read.
  add column apart boolean not null default false,
  -- The entry that all its intents wait for, one of those that it relied on.
  add column waits_for bigint;

alter table foreword_private.entry add column waits_for bigint;

-- From now on a decision is to be placed unless it says otherwise: forgotten, it would never be carried out.
alter table foreword_private.decision alter column unplaced set default true;

update foreword_private.decision
set unplaced = true
where certified_at is null and not abandoned;

-- What is to be placed, and who waits for whom: small, however long the log. (The migrator holds these
-- tables anyway.)
-- squawk-ignore require-concurrent-index-creation
create index decision_unplaced on foreword_private.decision (decided_at)
where unplaced and not abandoned;
-- squawk-ignore require-concurrent-index-creation
create index decision_waiting on foreword_private.decision (waits_for) where waits_for is not null;
-- squawk-ignore require-concurrent-index-creation
create index entry_waiting on foreword_private.entry (waits_for) where waits_for is not null;

-- Intents that give something back (less of a counter, a predicate left) and are not through yet: whoever
-- has seen the room that they make waits for them. Keyed as in `premise`: a counter with its version, a
-- predicate with the xid of who left it.
create table foreword_private.yielding (
  key uuid not null,
  at bigint not null,
  resource uuid not null,
  version bigint not null,
  primary key (key, at, resource, version)
);

-- Decisions that went stale, and what came of deciding again: whoever took them back may die before it does.
create table foreword_private.again (
  decision uuid primary key,
  decider text not null,
  why text not null,
  -- How many decisions in a row went stale before: 1 for the first.
  depth integer not null,
  since timestamptz not null default clock_timestamp(),
  due_at timestamptz not null,
  tries integer not null default 0,
  worker bigint,
  ended_at timestamptz,
  outcome text,
  decided_as uuid,
  constraint outcome_iff_ended check ((ended_at is null) = (outcome is null))
);
create index again_due on foreword_private.again (decider, due_at) where ended_at is null;
create unique index again_decided_as on foreword_private.again (decided_as) where decided_as is not null;
