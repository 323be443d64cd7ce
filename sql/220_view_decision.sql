-- Every committed decision.
create view foreword.decision as
select
  d.id,
  d.scope,
  d.decider,
  d.decider_version,
  d.actor,
  d.reason,
  d.decided_at,
  (
    select count(*)
    from foreword_private.entry e
    where e.decision = d.id and e.cause = 'intent'
  ) as intents,
  cardinality(d.premise_resources)
    + jsonb_array_length(d.premise_predicates)
    + jsonb_array_length(d.premise_counters)
    + (
      select count(*)
      from foreword_private.scope s
      where s.scope = d.scope and s.version > 0 and d.scope_version is not null
    )::integer as premises,
  d.tries,
  d.certified_at is not null as certified,
  d.input,
  d.saw_at,
  d.compensation,
  (
    select coalesce(a.outcome, 'due')
    from foreword_private.again a
    where a.decision = d.id
  ) as decided_again,
  (
    select a.decision
    from foreword_private.again a
    where a.decided_as = d.id
  ) as instead_of,
  d.thought -> 0 as thought,
  d.traceparent,
  (
    select a.file
    from foreword_private.archive a
    where a.id = d.archive
  ) as archived_in
from foreword_private.decision d
where not d.abandoned;

comment on view foreword.decision is 'Every committed run of a decider: serializable with all others.';
comment on column foreword.decision.id is 'Its id, made by the client that decided.';
comment on column foreword.decision.scope is 'Tenant or account.';
comment on column foreword.decision.decider is 'Name of the decider; foreword''s own begin with foreword/.';
comment on column foreword.decision.decider_version is 'Version of the decider''s code.';
comment on column foreword.decision.actor is 'Who or what ran it.';
comment on column foreword.decision.reason is 'Why, in the actor''s words.';
comment on column foreword.decision.decided_at is 'When it was written, shortly before it committed.';
comment on column foreword.decision.intents is 'Number of intents that it wrote.';
comment on column foreword.decision.premises is 'Number of facts that it relied on.';
comment on column foreword.decision.tries is 'Tries until it committed; 1: nobody was in the way.';
comment on column foreword.decision.certified is 'True once checked against the log for serializability.';
comment on column foreword.decision.compensation is 'What becomes of it once a part of it was taken back: keep_going, halt (nothing more is begun) or all_or_compensate (and what was begun is undone by a decision of foreword/compensate).';
comment on column foreword.decision.decided_again is 'Null unless its intents went stale. Then what came of deciding again: due, decided, refused, unchanged, invalid, gave_up, or expired (for a day no worker knew the decider).';
comment on column foreword.decision.instead_of is 'The stale decision that it was made instead of.';
comment on column foreword.decision.input is 'The input that the decider was given.';
comment on column foreword.decision.saw_at is 'The clock that the decider was given as `now`: with its premises and its input all that it decided on.';
comment on column foreword.decision.thought is 'What its decider''s `think` came to; null where it does not think, or where that is no JSON or larger than 64 KiB.';
comment on column foreword.decision.traceparent is 'Of the span in which it was decided, as W3C writes it; null where none was recorded.';
comment on column foreword.decision.archived_in is 'File that has what it was made of and what came of it; null: the log has.';
