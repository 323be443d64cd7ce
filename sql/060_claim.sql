-- Leases due work to a worker, at most p_slots of each kind, and commits the attempt row of every
-- call that may now be made: no call without it. A call may be made only for a decision that is certified;
-- one whose premises have next versions by now is leased for the step `certify` instead. What committed
-- since the last claim is placed first: whoever is picked sees all that it must follow.
create function foreword_code.claim(
  p_worker bigint,
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_grace_ms integer,
  p_accounts text[],
  p_per_second double precision[],
  p_bursts integer[]
) returns table (
  entry bigint,
  epoch bigint,
  step text,
  number integer,
  deadline_at timestamptz,
  idempotency_key text,
  resource uuid,
  version bigint,
  decision uuid,
  scope text,
  kind text,
  name text,
  verb text,
  state jsonb,
  before jsonb,
  labels jsonb,
  counters jsonb,
  looks integer,
  attempts integer,
  reason text,
  applied_at timestamptz,
  first_attempt_at timestamptz,
  external_id text,
  outputs jsonb,
  operation jsonb,
  args jsonb
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_sort = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
  ids bigint[];
  states text[];
  timeouts_ms integer[];
begin
  -- Held together by claims, alone by certify: see there.
  perform pg_advisory_xact_lock_shared(20143);
  perform foreword_code.place();
  select
    array_agg(d.id),
    array_agg(d.state),
    array_agg(d.timeout_ms)
  into ids, states, timeouts_ms
  from foreword_code.pick_within_budgets(
    p_kinds, p_slots, p_timeouts_ms, p_accounts, p_per_second, p_bursts
  ) d;
  if ids is null then
    return;
  end if;

  return query
  with due as materialized (
    select d.*
    from unnest(ids, states, timeouts_ms) as d (id, state, timeout_ms)
  ),
  leased as (
    update foreword_private.entry e
    set
      state = case when d.state = 'pending' then 'applying' else e.state end,
      epoch = e.epoch + 1,
      worker = p_worker,
      attempts = e.attempts + (d.state = 'pending')::integer,
      looks = case when d.state = 'pending' then 0 else e.looks end,
      held_until = null,
      due_at = clock_timestamp() + (d.timeout_ms + p_grace_ms) * interval '1 ms'
    from due d
    where
      e.id = d.id
      -- Whichever side the plan begins with, no other row is read.
      and e.id = any (ids)
    returning
      e.*,
      clock_timestamp() + d.timeout_ms * interval '1 ms' as deadline_at,
      foreword_code.idempotency_key(e.resource, e.version) as idempotency_key,
      case d.state
        when 'pending' then 'apply'
        when 'uncertified' then 'certify'
        when 'applying' then 'recover'
        when 'in_doubt' then 'look_up'
        when 'applied' then 'confirm'
        when 'accepted' then 'poll'
        when 'rejected' then 'withdraw'
      end as step
  ),
  begun as (
    insert into foreword_private.attempt (
      entry, number, epoch, worker, idempotency_key, deadline_at
    )
    select
      l.id,
      l.attempts,
      l.epoch,
      p_worker,
      l.idempotency_key,
      l.deadline_at
    from leased l
    where l.step = 'apply'
  )
  select
    l.id,
    l.epoch,
    l.step,
    l.attempts,
    case
      when l.step = 'apply' then l.deadline_at
      else (
        select t.deadline_at
        from foreword_private.attempt t
        where t.entry = l.id and t.number = l.attempts
      )
    end,
    l.idempotency_key,
    l.resource,
    l.version,
    l.decision,
    l.scope,
    l.kind,
    r.name,
    l.verb,
    l.assumed,
    p.assumed,
    l.labels,
    l.counters,
    l.looks,
    l.attempts,
    l.reason,
    l.applied_at,
    case
      when l.attempts > 1 or l.step <> 'apply' then (
        select t.started_at
        from foreword_private.attempt t
        where t.entry = l.id and t.number = 1
      )
    end,
    o.external_id,
    coalesce(o.outputs, '{}'),
    case
      when l.step = 'poll' then (
        select t.operation
        from foreword_private.attempt t
        where t.entry = l.id and t.number = l.attempts
      )
    end,
    case
      when l.verb not in ('create', 'update', 'delete') then (
        select g.args
        from foreword_private.argument g
        where g.resource = l.resource and g.version = l.version
      )
    end
  from leased l
  -- Looked up, not joined: a plan made while the tables were tiny would read all of them.
  cross join lateral (
    select r.name
    from foreword_private.resource r
    where r.id = l.resource
    offset 0
  ) r
  left join lateral (
    select p.assumed
    from foreword_private.entry p
    where p.resource = l.resource and p.version = l.version - 1
    offset 0
  ) p on true
  left join lateral (
    select o.external_id, o.outputs
    from foreword_private.observation o
    where o.resource = l.resource
    offset 0
  ) o on true
  order by l.due_at, l.id;
end
$$;
