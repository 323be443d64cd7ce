-- What the applier and the reconciler know. They write it READ COMMITTED; deciders never read it.

-- A process that applies. Alive as long as a session holds the advisory lock of its id.
create table foreword_private.worker (
  id bigint generated always as identity primary key,
  host text not null,
  pid integer not null,
  version text not null,
  kinds text[] not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz
);

-- One try at one external call, committed before the call is made.
create table foreword_private.attempt (
  entry bigint not null,
  number integer not null,
  epoch bigint not null,
  worker bigint not null,
  idempotency_key text not null,
  started_at timestamptz not null default clock_timestamp(),
  deadline_at timestamptz not null,
  ended_at timestamptz,
  outcome text,
  error_class text,
  error text,
  response jsonb,
  external_id text,
  outputs jsonb,
  primary key (entry, number),
  constraint outcome_known check (outcome in ('applied', 'rejected', 'in_doubt')),
  constraint ended_at_iff_outcome check ((ended_at is null) = (outcome is null))
) with (fillfactor = 70);

-- The last look at a resource, and what its provider calls it.
create table foreword_private.observation (
  resource uuid primary key,
  observed jsonb,
  observed_at timestamptz,
  external_id text,
  outputs jsonb not null default '{}',
  revision text,
  condition text not null default 'ready',
  constraint condition_known check (condition in ('ready', 'pending', 'failed'))
) with (fillfactor = 50);

-- Where a look showed something else than was assumed.
create table foreword_private.drift (
  id bigint generated always as identity primary key,
  resource uuid not null,
  path text not null,
  assumed jsonb,
  observed jsonb,
  since timestamptz not null default clock_timestamp(),
  resolved_at timestamptz
);
create unique index drift_open on foreword_private.drift (resource, path) where resolved_at is null;
create index drift_by_resource on foreword_private.drift (resource);

-- Decisions that had to be decided again, a row for each aborted try.
create table foreword_private.conflict (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  scope text not null,
  decider text not null,
  decision uuid,
  tries integer not null,
  sqlstate text not null
);
create index conflict_by_time on foreword_private.conflict (at);

-- Tenants and accounts: the unit of isolation, policy, pause and rate budget.
create table foreword_private.scope (
  scope text primary key,
  paused_at timestamptz,
  paused_by text,
  note text
);

-- Cron lines as the workers last registered them, and how their last run went.
create table foreword_private.schedule (
  name text primary key,
  cron text not null,
  scope text not null,
  kind text,
  decider text,
  input jsonb,
  last_started_at timestamptz,
  last_ended_at timestamptz,
  last_outcome text
);

-- Token buckets per account, shared by all workers.
create table foreword_private.budget (
  scope text not null,
  kind text not null,
  tokens double precision not null,
  refilled_at timestamptz not null default clock_timestamp(),
  primary key (scope, kind)
) with (fillfactor = 50);
