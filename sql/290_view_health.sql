-- One row that a monitor can read.
create view foreword.health as
select
  coalesce(sum(b.count) filter (where b.state = 'pending'), 0)::bigint as pending,
  coalesce(sum(b.count) filter (where b.state in ('applying', 'accepted')), 0)::bigint as applying,
  coalesce(sum(b.count) filter (where b.state = 'applied'), 0)::bigint as applied,
  coalesce(sum(b.count) filter (where b.state = 'in_doubt'), 0)::bigint as in_doubt,
  coalesce(sum(b.count) filter (where b.state = 'awaiting_approval'), 0)::bigint as awaiting_approval,
  coalesce(extract(epoch from clock_timestamp() - min(b.next_due)), 0)::double precision as oldest_due_s,
  (select count(*) from foreword.doubt d where d.waits_for_a_person) as waits_for_a_person,
  (select count(*) from foreword.drift) as drifted_paths,
  (select count(*) from foreword.budget b where b.health <> 'well') as unwell_accounts,
  -- A standby has none of the locks that workers live by.
  case
    when not pg_is_in_recovery()
      then (select count(*) from foreword.worker w where w.alive)
  end as live_workers,
  case
    when not pg_is_in_recovery()
      then (
        select count(*)
        from foreword.worker w
        where not w.alive and w.running > 0
      )
  end as dead_workers,
  (
    select 10 * sum(s.setting::bigint)
    from pg_settings s
    where
      s.name in (
        'max_connections',
        'max_prepared_transactions',
        'autovacuum_max_workers',
        'max_worker_processes',
        'max_wal_senders'
      )
  )::bigint as ssi_margin,
  (
    select count(*)
    from foreword_private.pause p
    where p.resumed_at is null
  ) as paused_scopes,
  (select coalesce(sum(s.waiting), 0)::bigint from foreword.scope s where s.paused) as paused_intents
from foreword.backlog b;

comment on view foreword.health is 'One row: how much is open, what waits, who lives.';
comment on column foreword.health.pending is 'Intents decided and not yet begun.';
comment on column foreword.health.applying is 'Intents with a call open, or with an operation that the API accepted and is at.';
comment on column foreword.health.applied is 'Intents whose effect the API answered and no look has confirmed yet.';
comment on column foreword.health.in_doubt is 'Intents whose outcome is unknown.';
comment on column foreword.health.awaiting_approval is 'Intents that wait for an approval.';
comment on column foreword.health.oldest_due_s is 'Seconds by which the most overdue work is late; below zero: nothing is due.';
comment on column foreword.health.waits_for_a_person is 'Doubts that only a person can end.';
comment on column foreword.health.drifted_paths is 'Paths at which the world differs from what is assumed.';
comment on column foreword.health.unwell_accounts is 'Accounts that are strained or throttled, or whose circuit is open: see foreword.budget.';
comment on column foreword.health.live_workers is 'Workers that live; null on a standby, which does not know.';
comment on column foreword.health.dead_workers is 'Workers that died and whose leases nobody has taken over yet; null on a standby.';
comment on column foreword.health.ssi_margin is 'Serializable commits that may pass during one open writing transaction before Postgres forgets conflicts.';
comment on column foreword.health.paused_scopes is 'Scopes that are paused: see foreword.scope.';
comment on column foreword.health.paused_intents is 'Intents that wait for their scopes to be resumed.';
