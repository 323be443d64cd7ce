-- What each account may take, and how it stands with it. (Spelled out: whoever reads a view needs the
-- right to every function in it. The functions of 051 say the same to the claim.)
create view foreword.budget as
select
  b.account,
  b.kinds,
  b.scope,
  b.per_second,
  b.burst,
  case
    when b.per_second is not null then
      least(
        b.burst,
        b.tokens + greatest(0, extract(epoch from statement_timestamp() - b.refilled_at)) * b.per_second
      )
  end as tokens,
  h.health,
  case h.health
    when 'throttled' then b.paused_until
    when 'strained' then b.strained_until
    when 'open' then b.probe_at
  end as until,
  b.opened_at,
  case when h.health <> 'well' then b.why end as reason
from foreword_private.budget b
cross join lateral (
  select
    case
      when b.opened_at is not null and b.successes = 0 then 'open'
      when b.opened_at is not null then 'half_open'
      when b.paused_until > statement_timestamp() then 'throttled'
      when b.strained_until > statement_timestamp() then 'strained'
      else 'well'
    end as health
  offset 0
) h;

comment on view foreword.budget is 'Accounts with a rate, and those with which something is or was wrong: what they may take now.';
comment on column foreword.budget.account is 'Name of the account, as the trait `account` of its providers says.';
comment on column foreword.budget.kinds is 'Kinds of resources whose calls it pays for.';
comment on column foreword.budget.scope is 'The scope whose account it is; null: all scopes share it.';
comment on column foreword.budget.per_second is 'Calls and looks per second that it allows; null: any number.';
comment on column foreword.budget.burst is 'How many may come at once.';
comment on column foreword.budget.tokens is 'Calls that may be made now; below one: due intents wait.';
comment on column foreword.budget.health is 'well; strained: calls are made again only sparingly; throttled: it has asked to be left alone; open: so many calls have failed in a row that only one at a time is made; half_open: it is coming back.';
comment on column foreword.budget.until is 'When it is strained or throttled no more, or the next call is tried.';
comment on column foreword.budget.opened_at is 'When its circuit opened; null: it is closed.';
comment on column foreword.budget.reason is 'What the last call that failed said; null where all is well.';
