-- The write-ahead log: decisions, and the entries they wrote. Append-only, but for the lifecycle
-- columns of an entry, which are the applier's alone. Deciders never read these tables.

-- One committed run of a decider. The id is the client's and is inserted first: whoever lost the
-- answer to COMMIT inserts the same id as a tombstone and learns for certain which of the two it was.
create table foreword_private.decision (
  id uuid primary key,
  scope text not null,
  decider text not null,
  decider_version integer not null default 0,
  actor text not null default '',
  reason text not null default '',
  input jsonb,
  tries integer not null default 1,
  compensation text not null default 'keep_going',
  saw_at timestamptz,
  premise_resources uuid[] not null default '{}',
  premise_versions bigint[] not null default '{}',
  premise_predicates jsonb not null default '[]',
  premise_counters jsonb not null default '[]',
  snapshot pg_snapshot,
  xid xid8,
  decided_at timestamptz not null default clock_timestamp(),
  abandoned boolean not null default false,
  certified_at timestamptz,
  constraint compensation_known check (compensation in ('all_or_compensate', 'keep_going', 'halt')),
  constraint premises_pair_up check (cardinality(premise_resources) = cardinality(premise_versions))
) with (fillfactor = 80);
-- Appended in the order of time, or nearly: block ranges find a time as well as a tree, for nothing.
create index decision_by_time on foreword_private.decision using brin (decided_at);

create trigger writes_are_serializable
before insert on foreword_private.decision
for each row when (not new.abandoned)
execute function foreword_private.refuse_row_unless_serializable();

-- Premises by resource, spread out of the decision's arrays by whoever certifies it. Append-only.
create table foreword_private.premise (
  resource uuid not null,
  version bigint not null,
  decision uuid not null,
  primary key (resource, version, decision)
);

-- Version n+1 of a resource. The primary key is the write-write guard that does not depend on SSI.
create table foreword_private.entry (
  id bigint generated always as identity,
  resource uuid not null,
  version bigint not null,
  scope text not null,
  kind text not null,
  decision uuid not null,
  cause text not null,
  verb text not null,
  assumed jsonb,
  labels jsonb not null default '{}',
  counters jsonb not null default '{}',
  after_resources uuid[] not null default '{}',
  after_versions bigint[] not null default '{}',
  recorded_at timestamptz not null default clock_timestamp(),
  state text not null,
  due_at timestamptz,
  epoch bigint not null default 0,
  worker bigint,
  attempts integer not null default 0,
  looks integer not null default 0,
  reason text,
  applied_at timestamptz,
  settled_at timestamptz,
  primary key (resource, version),
  constraint cause_known check (cause in ('intent', 'observation', 'withdrawal', 'ruling')),
  constraint state_known check (
    state in (
      'recorded', 'awaiting_approval', 'pending', 'applying', 'applied',
      'confirmed', 'rejected', 'in_doubt', 'stale', 'cancelled'
    )
  ),
  constraint only_intents_are_applied check ((cause = 'intent') = (state <> 'recorded')),
  constraint settled_is_final check (
    settled_at is null or state in ('recorded', 'confirmed', 'rejected', 'stale', 'cancelled')
  ),
  constraint final_is_settled check (
    settled_at is not null or state not in ('recorded', 'confirmed', 'stale', 'cancelled')
  ),
  constraint settled_is_never_due check (settled_at is null or due_at is null),
  constraint applying_has_a_worker check (state <> 'applying' or worker is not null),
  constraint afters_pair_up check (cardinality(after_resources) = cardinality(after_versions))
) with (fillfactor = 70);
create unique index entry_by_id on foreword_private.entry (id);
create index entry_by_decision on foreword_private.entry (decision);
-- What somebody must look at, and when.
create index entry_due on foreword_private.entry (kind, due_at) where due_at is not null;
-- What is not through yet: small, however long the log.
create index entry_open on foreword_private.entry (resource, version) where settled_at is null;
create index entry_of_worker on foreword_private.entry (worker) where worker is not null;

create trigger writes_are_serializable
before insert on foreword_private.entry
for each statement execute function foreword_private.refuse_unless_serializable();

create function foreword_private.refuse_rewriting_the_log() returns trigger
language plpgsql as $$
begin
  raise exception '% of foreword_private.% is refused: the log is append-only', lower(tg_op), tg_table_name
    using errcode = 'FW002',
          hint = 'Write a new entry instead.';
end
$$;

create trigger log_is_append_only
before update of
  id,
  resource,
  version,
  scope,
  kind,
  decision,
  cause,
  verb,
  assumed,
  labels,
  counters,
  after_resources,
  after_versions,
  recorded_at
on foreword_private.entry
for each statement execute function foreword_private.refuse_rewriting_the_log();

create trigger log_keeps_its_rows
before delete or truncate on foreword_private.entry
for each statement execute function foreword_private.refuse_rewriting_the_log();

create trigger log_keeps_its_rows
before delete or truncate on foreword_private.decision
for each statement execute function foreword_private.refuse_rewriting_the_log();
