-- A schedule that nobody has in his configuration any more is overdue for ever, unless it is known to be dropped: a
-- worker has started without it, and whoever registered it last lives no more. Kept, since it may come back.
alter table foreword_private.schedule
  add column registered_by bigint,
  add column dropped_at timestamptz;
