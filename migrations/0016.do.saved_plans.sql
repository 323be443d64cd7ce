-- What seals the plans that are saved to files, so that one that was edited, or is another database's, is known
-- to be. One row; readable by the owner only.
create table foreword_private.plan_seal (
  one boolean primary key default true,
  secret uuid[] not null,
  constraint one_row check (one)
);
insert into foreword_private.plan_seal (secret)
values (array[gen_random_uuid(), gen_random_uuid()]);

-- Saved plans that were applied: each is once.
create table foreword_private.applied_plan (
  id uuid primary key,
  applied_at timestamptz not null default clock_timestamp(),
  applied_by text not null
);
