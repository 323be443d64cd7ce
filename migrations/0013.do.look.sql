-- When to look next, and what others have told of a resource without being asked.
alter table foreword_private.observation
  -- The version that was assumed at the last look that counted: a newer one has not been looked at.
  add column looked_version bigint,
  -- Grows while looks show nothing new. Null: its kind declares no interval, every run looks.
  add column interval_ms bigint,
  add column look_at timestamptz;

-- What a webhook told of a resource, the newest of it. It says nothing about what is assumed: it asks for a look.
create table foreword_private.notice (
  resource uuid primary key,
  told_at timestamptz not null,
  revision text,
  digest text not null,
  -- Null: it is said to be gone.
  state jsonb,
  external_id text,
  outputs jsonb,
  told_by text not null default '',
  -- When the provider says that it was so. Shown, and never relied on: it is somebody else's clock.
  observed_at timestamptz,
  times bigint not null default 1,
  repeats bigint not null default 0,
  -- Null: a look has answered it, or it tells nothing new.
  look_at timestamptz
) with (fillfactor = 70);
create index notice_due on foreword_private.notice (look_at) where look_at is not null;

-- Beliefs that came from looks: those that nobody wants are put back from here, whoever died before he did. Few.
-- (The migrator holds this table anyway.)
-- squawk-ignore require-concurrent-index-creation
create index entry_observed on foreword_private.entry (resource, version) where cause = 'observation';
