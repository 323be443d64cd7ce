-- Whether there are decisions whose parts are all done or none: whoever relies on one waits for all of it.
-- One pass over the log, which finds few.
-- squawk-ignore require-concurrent-index-creation
create index decision_all_or_nothing on foreword_private.decision (decided_at)
  where compensation = 'all_or_compensate';
