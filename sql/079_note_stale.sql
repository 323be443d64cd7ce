-- Notes decisions whose intents were taken back unbegun: whoever knows their deciders is to decide again. Later
-- and later where what was decided instead went stale as well, and not for ever. Foreword's own deciders are left
-- out: they come again by themselves.
create function foreword_code.note_stale(p_decisions uuid[], p_why text) returns void
language sql as $$
  insert into foreword_private.again (decision, decider, why, depth, due_at, ended_at, outcome)
  select
    d.id,
    d.decider,
    p_why,
    n.depth,
    clock_timestamp() + case when n.depth = 1 then 0 else 2 ^ (n.depth - 2) end * interval '1 s',
    case when n.depth > 5 then clock_timestamp() end,
    case when n.depth > 5 then 'gave_up' end
  from foreword_private.decision d
  cross join lateral (
    select 1 + coalesce(max(a.depth), 0) as depth
    from foreword_private.again a
    where a.decided_as = d.id
  ) n
  where d.id = any (p_decisions) and d.decider not like 'foreword/%'
  on conflict do nothing;
$$;
