-- What all deciders assume the world to be. Deciders read these tables and write them, and nobody
-- else does; each layout choice below keeps decisions that have nothing to do with each other from
-- aborting each other.

create schema if not exists foreword_private;

-- Writers at a weaker isolation level are invisible to serializable readers: their write skew would
-- commit. So the tables that deciders read refuse them.
create function foreword_private.refuse_unless_serializable() returns trigger
language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception '% of foreword_private.% needs a SERIALIZABLE transaction, this one is %',
      lower(tg_op), tg_table_name, upper(current_setting('transaction_isolation'))
      using errcode = 'FW001',
            hint = 'Begin with: begin isolation level serializable';
  end if;
  return null;
end
$$;

create function foreword_private.refuse_row_unless_serializable() returns trigger
language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception '% of foreword_private.% needs a SERIALIZABLE transaction, this one is %',
      lower(tg_op), tg_table_name, upper(current_setting('transaction_isolation'))
      using errcode = 'FW001',
            hint = 'Begin with: begin isolation level serializable';
  end if;
  return new;
end
$$;

-- Cold: the identity of a resource never changes. The id is a digest of (scope, kind, name), so that
-- a reader needs no look-up to reach the state, and neighbours in the index are strangers.
create table foreword_private.resource (
  id uuid primary key,
  scope text not null,
  kind text not null,
  name text not null,
  first_named_at timestamptz not null default clock_timestamp(),
  constraint scope_is_a_name check (length(scope) between 1 and 512 and scope !~ '[[:cntrl:]]'),
  constraint kind_is_a_name check (length(kind) between 1 and 512 and kind !~ '[[:cntrl:]/]'),
  constraint name_is_a_name check (length(name) between 1 and 512 and name !~ '[[:cntrl:]]')
);
create index resource_by_name on foreword_private.resource (scope, kind, name);

-- Hot: one row per resource. fillfactor 50 and no index but the key keep every update HOT; an update
-- that is not HOT enters the index leaf that readers of other rows have locked, and aborts them.
create table foreword_private.resource_state (
  resource uuid primary key,
  version bigint not null default 0,
  assumed jsonb,
  labels jsonb not null default '{}',
  counters jsonb not null default '{}',
  decision uuid,
  constraint version_0_is_absent check (version > 0 or (assumed is null and decision is null))
) with (fillfactor = 50);

create trigger writes_are_serializable
before update or delete or truncate on foreword_private.resource_state
for each statement execute function foreword_private.refuse_unless_serializable();

-- A slot (version 0, absent) means nothing, so it may be made at any isolation level.
create trigger inserts_are_slots
before insert on foreword_private.resource_state
for each row when (new.version <> 0)
execute function foreword_private.refuse_row_unless_serializable();

-- What `find` reads. Written inside the decision that creates, deletes or relabels: what a reader of
-- a predicate read must be what a creator writes, or a phantom slips by. The label '' holds all of a kind.
create table foreword_private.member (
  scope text not null,
  kind text not null,
  label text not null,
  value text not null,
  resource uuid not null,
  name text not null,
  primary key (scope, kind, label, value, resource)
);

-- An empty index is locked as a whole by its first reader; one row that is nobody's prevents that.
insert into foreword_private.member (scope, kind, label, value, resource, name)
values ('', '', '', '', '00000000-0000-0000-0000-000000000000', '');

create trigger writes_are_serializable
before insert or update or delete or truncate on foreword_private.member
for each statement execute function foreword_private.refuse_unless_serializable();

-- What is consumed of a metric. Counting rows would lock them all; a counter costs true conflicts only.
create table foreword_private.quota (
  scope text not null,
  metric text not null,
  consumed bigint not null default 0,
  version bigint not null default 0,
  primary key (scope, metric),
  constraint metric_is_a_name check (length(metric) between 1 and 512 and metric !~ '[[:cntrl:]]')
) with (fillfactor = 10);

create trigger writes_are_serializable
before update or delete or truncate on foreword_private.quota
for each statement execute function foreword_private.refuse_unless_serializable();

create trigger inserts_are_empty
before insert on foreword_private.quota
for each row when (new.consumed <> 0 or new.version <> 0)
execute function foreword_private.refuse_row_unless_serializable();

-- What its owner asks for. spec null: wanted absent. `want` may write at any isolation level: a
-- converging decision marks the generation it acted on in the same row, so the later of the two
-- meets a write-write conflict, which does not depend on SSI.
create table foreword_private.desired (
  resource uuid primary key,
  scope text not null,
  kind text not null,
  name text not null,
  stack text not null default 'default',
  spec jsonb,
  labels jsonb not null default '{}',
  counters jsonb not null default '{}',
  needs text[] not null default '{}',
  generation bigint not null default 1,
  acted_generation bigint not null default 0,
  wanted_at timestamptz not null default clock_timestamp(),
  wanted_by text not null default ''
);
create index desired_by_stack on foreword_private.desired (scope, stack, kind, name);
