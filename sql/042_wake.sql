-- Hints to the appliers that there is work. The job that is queued is this one and no other: who decides
-- has no business in the queue. src/worker/queue.ts names the task. Workers hear of it at once by the channel;
-- the queue, which asks for the job first, is for those whose session that listens is gone. Never inside a
-- decision: who notifies commits alone. (plpgsql: the queue makes its schema after ours.)
create function foreword_code.wake() returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform graphile_worker.add_job('foreword_wake', job_key => 'foreword_wake', max_attempts => 1);
  perform pg_notify('foreword_wake', '');
end
$$;
