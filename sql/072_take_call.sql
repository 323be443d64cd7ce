-- Takes one look out of an account's budget, for a process that looks without an intent (a reconcile).
-- Returns the milliseconds to wait before asking again; 0: taken; null: there is no limit; below zero: the
-- circuit is open, and nobody knows when it will be closed.
-- While it is open a look may be the probe, as any call may: where nothing is due to be called for, nobody else
-- would ever find out that the API is back. A circuit that has just opened, or is closing, is waited for.
create function foreword_code.take_call(
  p_account text,
  p_kind text,
  p_scope text,
  p_per_second double precision,
  p_burst integer
) returns double precision
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  waited_for_ms constant integer := 8000;
  ask_again_ms constant integer := 200;
  -- Should whoever looks die with the probe.
  probe_longest constant interval := '35 seconds';
  b foreword_private.budget;
  asked_at timestamptz;
  calls integer;
begin
  if p_per_second is not null then
    insert into foreword_private.budget (account, kinds, scope, per_second, burst, tokens)
    values (p_account, array[p_kind], p_scope, p_per_second, p_burst, p_burst)
    on conflict do nothing;
  end if;
  select * into b from foreword_private.budget x where x.account = p_account for update;
  if not found then
    return null;
  end if;
  asked_at := clock_timestamp();
  calls := foreword_code.calls_at(b, asked_at);
  if calls is null then
    return null;
  end if;
  if calls > 0 then
    update foreword_private.budget x
    set
      tokens = coalesce(foreword_code.tokens_at(b, asked_at) - 1, 0),
      refilled_at = asked_at,
      probes = case when b.opened_at is null then b.probes else greatest(b.probes, 1) - 1 end,
      probing = b.opened_at is not null,
      probe_at = case when b.opened_at is not null then asked_at + probe_longest end
    where x.account = p_account;
    return 0;
  end if;
  if b.opened_at is not null and b.successes = 0 and b.interval_ms > waited_for_ms then
    return -1;
  end if;
  return case
    when b.paused_until > asked_at then 1 + 1000 * extract(epoch from b.paused_until - asked_at)
    when b.opened_at is not null and b.probes <= 0
      then 1 + least(ask_again_ms, 1000 * greatest(0, extract(epoch from b.probe_at - asked_at)))
    else 1 + 1000 * (1 - foreword_code.tokens_at(b, asked_at)) / b.per_second
  end;
end
$$;
