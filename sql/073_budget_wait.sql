-- Milliseconds until the first of the accounts of some kinds that have nothing to give now has something
-- again, worth a claim: 50 ms' worth of calls. Null: none has to be waited for.
create function foreword_code.budget_wait(p_kinds text[]) returns double precision
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    min(
      1 + case
        when b.paused_until > t.asked_at then 1000 * extract(epoch from b.paused_until - t.asked_at)
        when b.opened_at is not null and b.probes <= 0
          then 1000 * greatest(0, extract(epoch from b.probe_at - t.asked_at))
        when foreword_code.tokens_at(b, t.asked_at) < 1
          then
            1000
            * (greatest(1, least(b.burst, b.per_second / 20)) - foreword_code.tokens_at(b, t.asked_at))
            / b.per_second
        when foreword_code.retries_at(b, t.asked_at) < 1
          then 1000 * (1 - foreword_code.retries_at(b, t.asked_at)) / 5
      end
    )
  from foreword_private.budget b
  cross join (select clock_timestamp() as asked_at) t
  where b.kinds && p_kinds;
$$;
