-- What an account has at a moment, by the database's clock. Its row tells as of when it was written last.

-- Calls in the bucket; null: any number.
create function foreword_code.tokens_at(b foreword_private.budget, p_at timestamptz)
returns double precision
language sql immutable parallel safe
return least(
  b.burst,
  b.tokens + greatest(0, extract(epoch from p_at - b.refilled_at)) * b.per_second
);

-- Calls that may be made again, or looks for lost answers; null: any number. Beside a tenth of all first
-- calls (pick_within_budgets) five a second, so that what is left ends even if nothing new comes.
create function foreword_code.retries_at(b foreword_private.budget, p_at timestamptz)
returns double precision
language sql immutable parallel safe
return case
  when b.strained_until > p_at then
    least(100, b.retry_tokens + 5 * greatest(0, extract(epoch from p_at - b.retries_refilled_at)))
end;

-- Calls and looks of any sort that may be begun; null: any number.
create function foreword_code.calls_at(b foreword_private.budget, p_at timestamptz)
returns integer
language sql immutable parallel safe
return case
  when b.paused_until > p_at then 0
  else least(
    floor(foreword_code.tokens_at(b, p_at))::integer,
    case
      when b.opened_at is null then null
      when b.probes > 0 then b.probes
      when b.probe_at <= p_at then 1
      else 0
    end
  )
end;

-- In a word, how it stands with it.
create function foreword_code.budget_health(b foreword_private.budget, p_at timestamptz) returns text
language sql immutable parallel safe
return case
  when b.opened_at is not null and b.successes = 0 then 'open'
  when b.opened_at is not null then 'half_open'
  when b.paused_until > p_at then 'throttled'
  when b.strained_until > p_at then 'strained'
  else 'well'
end;
