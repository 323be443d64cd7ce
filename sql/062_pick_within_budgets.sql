-- Due work as pick_due finds it, cut down to what the accounts of its kinds have left now, which is taken
-- from them. The rows of the budgets are locked until the claim commits, in the order of their accounts.
-- What leads to no call (a lost lease, a withdrawal, a judgement) costs nothing.

create type foreword_code.due_work as (
  id bigint,
  state text,
  timeout_ms integer,
  kind text,
  scope text,
  due_at timestamptz,
  account text,
  -- It calls nobody.
  free boolean,
  -- It was called for before, and the answer was lost or bad.
  again boolean
);

create function foreword_code.due_work(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_accounts text[],
  p_closed text[]
) returns foreword_code.due_work[]
language sql as $$
  select coalesce(
    array_agg(
      row(
        d.id,
        d.state,
        d.timeout_ms,
        e.kind,
        e.scope,
        e.due_at,
        replace(k.account, '{scope}', e.scope),
        d.state in ('applying', 'rejected', 'uncertified'),
        case d.state
          when 'pending' then e.attempts > 0
          when 'applied' then e.reason is not null
          when 'accepted' then e.reason is not null
          else true
        end
      )::foreword_code.due_work
    ),
    '{}'
  )
  from foreword_code.pick_due(p_kinds, p_slots, p_timeouts_ms, p_closed) d
  join foreword_private.entry e on e.id = d.id
  join unnest(p_kinds, p_accounts) as k (kind, account) on k.kind = e.kind;
$$;

-- Takes from the accounts what the chosen work costs.
create function foreword_code.charge(
  p_chosen foreword_code.due_work[],
  p_kinds text[],
  p_per_second double precision[],
  p_bursts integer[],
  p_at timestamptz
) returns void
language sql as $$
  update foreword_private.budget b
  set
    per_second = c.per_second,
    burst = c.burst,
    kinds = case
      when b.kinds @> c.kinds then b.kinds
      else array(select distinct unnest(b.kinds || c.kinds) order by 1)
    end,
    tokens = coalesce(foreword_code.tokens_at(b, p_at) - c.calls, c.burst - c.calls, 0),
    refilled_at = p_at,
    retry_tokens = coalesce(foreword_code.retries_at(b, p_at) - c.again + 0.1 * (c.calls - c.again), 0),
    retries_refilled_at = p_at,
    probes = case
      when b.opened_at is null then 0
      else greatest(b.probes, 1) - c.calls
    end,
    probing = b.opened_at is not null,
    -- Should the probe be lost with its worker.
    probe_at = case when b.opened_at is null then null else p_at + c.timeout_ms * interval '1 ms' end
  from (
    select
      w.account,
      count(*) as calls,
      count(*) filter (where w.again) as again,
      array_agg(distinct w.kind) as kinds,
      max(w.timeout_ms) + 5000 as timeout_ms,
      min(k.per_second) as per_second,
      min(k.burst) as burst
    from unnest(p_chosen) w
    join unnest(p_kinds, p_per_second, p_bursts) as k (kind, per_second, burst) on k.kind = w.kind
    where not w.free
    group by w.account
  ) c
  where b.account = c.account;
$$;

-- Of what is due, what the accounts can pay for whose budgets are held: the longest overdue first, of each.
create function foreword_code.affordable(
  p_due foreword_code.due_work[],
  p_held text[],
  p_at timestamptz
)
returns foreword_code.due_work[]
language sql as $$
  with due as (
    select
      w as work,
      w.free,
      w.account,
      w.due_at,
      w.again,
      row_number() over (partition by w.account, w.free, w.again order by w.due_at) as place,
      case when b.account <> all (p_held) then 0 else foreword_code.calls_at(b, p_at) end as calls,
      foreword_code.retries_at(b, p_at) as retries
    from unnest(p_due) w
    left join foreword_private.budget b on b.account = w.account
  ),
  repeatable as (
    select
      d.*,
      row_number() over (partition by d.account, d.free order by d.due_at) as turn
    from due d
    where d.free or not d.again or d.retries is null or d.place <= floor(d.retries)
  )
  select coalesce(array_agg(r.work), '{}')
  from repeatable r
  where r.free or r.calls is null or r.turn <= r.calls;
$$;

create function foreword_code.pick_within_budgets(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_accounts text[],
  p_per_second double precision[],
  p_bursts integer[]
) returns table (id bigint, state text, timeout_ms integer)
language plpgsql as $$
declare
  passes_max constant integer := 5;
  slots integer[] := p_slots;
  closed text[];
  due foreword_code.due_work[];
  chosen foreword_code.due_work[];
  cut foreword_code.due_work[];
  held text[];
  spent text[];
  began_at timestamptz;
  found_at timestamptz;
begin
  if
    array_remove(p_per_second, null) = '{}'
    and not exists (
      select
      from foreword_private.budget b
      where
        b.kinds && p_kinds
        and (
          b.opened_at is not null
          or b.paused_until > clock_timestamp()
          or b.strained_until > clock_timestamp()
        )
    )
  then
    return query
    select d.id, d.state, d.timeout_ms
    from foreword_code.pick_due(p_kinds, p_slots, p_timeouts_ms, null) d;
    return;
  end if;

  for pass in 1..passes_max loop
    began_at := clock_timestamp();
    due := foreword_code.due_work(p_kinds, slots, p_timeouts_ms, p_accounts, closed);
    found_at := clock_timestamp();
    insert into foreword_private.budget as b (account, kinds, scope, per_second, burst, tokens)
    select
      w.account,
      array_agg(distinct w.kind),
      case when strpos(min(k.account), '{scope}') > 0 then min(w.scope) end,
      min(k.per_second),
      min(k.burst),
      min(k.burst)
    from unnest(due) w
    join unnest(p_kinds, p_accounts, p_per_second, p_bursts) as k (kind, account, per_second, burst)
      on k.kind = w.kind
    where
      k.per_second is not null
      and not exists (select from foreword_private.budget b where b.account = w.account)
    group by w.account
    order by w.account
    on conflict do nothing;

    -- Waited for in their order, and only at first: who waits for one while he holds others may wait in a circle.
    if pass = 1 then
      held := array(
        select b.account
        from foreword_private.budget b
        where b.account in (select w.account from unnest(due) w where not w.free)
        order by b.account
        for update
      );
    else
      held := held || array(
        select b.account
        from foreword_private.budget b
        where b.account in (select w.account from unnest(due) w where not w.free)
        for update skip locked
      );
    end if;

    -- Read once the rows are ours: another claim may have taken of them meanwhile.
    chosen := foreword_code.affordable(due, held, clock_timestamp());
    perform foreword_code.charge(chosen, p_kinds, p_per_second, p_bursts, clock_timestamp());
    return query
    select w.id, w.state, w.timeout_ms
    from unnest(chosen) w;

    -- An account with nothing left must not hide the due work of others behind its own, nor what calls nobody.
    -- But searching past ever so many rows is not done each time.
    cut := array(
      select w
      from unnest(due) w
      where not exists (
        select from unnest(chosen) c where c.id = w.id
      )
    );
    if pass > 1 and found_at - began_at > interval '5 ms' then
      update foreword_private.budget b
      set look_past_at = found_at + 10 * (found_at - began_at)
      where b.account = any (spent) and b.account = any (held);
    end if;
    exit when cardinality(cut) = 0;
    spent := spent || array(select distinct w.account from unnest(cut) w);
    closed := closed || array(
      select distinct
        w.kind || chr(31) || case when strpos(k.account, '{scope}') > 0 then w.scope else '' end
      from unnest(cut) w
      join unnest(p_kinds, p_accounts) as k (kind, account) on k.kind = w.kind
    );
    slots := array(
      select
        case
          when
            count(w.kind) >= k.slots
            and not exists (
              select
              from unnest(cut) x
              join foreword_private.budget b on b.account = x.account
              where x.kind = k.kind and b.look_past_at > clock_timestamp()
            )
            then k.slots - count(w.kind) filter (where w.id in (
              select c.id from unnest(chosen) c
            ))
          else 0
        end
      from unnest(p_kinds, slots) with ordinality as k (kind, slots, place)
      left join unnest(due) w on w.kind = k.kind
      group by k.kind, k.slots, k.place
      order by k.place
    );
    exit when (select max(s) from unnest(slots) s) = 0;
  end loop;
end
$$;
