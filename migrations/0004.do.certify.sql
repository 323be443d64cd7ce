-- What certification and audit need to know of a decision besides its entries: whose counters it
-- moved, and whose predicates it entered or left. Append-only, written inside the decision; deciders
-- never read these tables.

-- A counter's version n+1, or a share in it: independent decisions of one transaction may share a
-- version. The primary key ends with the decision; `quota` itself is where two transactions meet.
create table foreword_private.quota_entry (
  scope text not null,
  metric text not null,
  version bigint not null,
  decision uuid not null,
  amount bigint not null,
  primary key (scope, metric, version, decision)
);
create index quota_entry_by_decision on foreword_private.quota_entry (decision);

-- Who entered or left what a `find` reads, by (label, value); ('', '') stands for all of a kind.
create table foreword_private.member_entry (
  scope text not null,
  kind text not null,
  label text not null,
  value text not null,
  xid xid8 not null,
  resource uuid not null,
  version bigint not null,
  decision uuid not null,
  entered boolean not null,
  primary key (scope, kind, label, value, xid, resource, version)
);
create index member_entry_by_decision on foreword_private.member_entry (decision);

create trigger log_keeps_its_rows
before update or delete or truncate on foreword_private.quota_entry
for each statement execute function foreword_private.refuse_rewriting_the_log();

create trigger log_keeps_its_rows
before update or delete or truncate on foreword_private.member_entry
for each statement execute function foreword_private.refuse_rewriting_the_log();

-- Only what deciders read has to be guarded by a trigger of its own: no decision is without a move of
-- `resource_state`, which refuses weaker levels. Two more guards for each decision cost 4 %.
drop trigger writes_are_serializable on foreword_private.decision;
drop trigger writes_are_serializable on foreword_private.entry;

-- Postgres reads a check's text anew for each statement that writes; lists of names made these five
-- 55 us of a decision's 460 (server CPU). Only functions write the lifecycle, from one exhaustive
-- machine (src/domain/lifecycle.ts), and `foreword audit` holds the same laws against every entry.
alter table foreword_private.entry
  drop constraint cause_known,
  drop constraint state_known,
  drop constraint only_intents_are_applied,
  drop constraint settled_is_final,
  drop constraint final_is_settled;
