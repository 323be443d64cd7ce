-- Takes one look out of an account's budget, for a process that looks without an intent (a reconcile).
-- Returns the milliseconds to wait before asking again; 0: taken; null: there is no limit; below zero: the
-- circuit is open, and it is not the reconcile's looks that find out whether the API is back.
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
  if b.opened_at is not null then
    return -1;
  end if;
  calls := foreword_code.calls_at(b, asked_at);
  if calls is null then
    return null;
  end if;
  if calls > 0 then
    update foreword_private.budget x
    set
      tokens = foreword_code.tokens_at(b, asked_at) - 1,
      refilled_at = asked_at
    where x.account = p_account;
    return 0;
  end if;
  return case
    when b.paused_until > asked_at then 1 + 1000 * extract(epoch from b.paused_until - asked_at)
    else 1 + 1000 * (1 - foreword_code.tokens_at(b, asked_at)) / b.per_second
  end;
end
$$;
