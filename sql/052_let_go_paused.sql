-- Makes due what was set aside while these scopes were paused.
create function foreword_code.let_go_paused(p_scopes text[]) returns void
language sql as $$
  update foreword_private.entry e
  set
    held = false,
    due_at = case when e.state = 'pending' and e.waits_for is null then clock_timestamp() else e.due_at end
  from (
    select h.resource, h.version
    from foreword_private.entry h
    where h.held and h.scope = any (p_scopes)
    for update skip locked
  ) h
  where e.resource = h.resource and e.version = h.version;
$$;

-- What is set aside in scopes that go on: whoever resumed them could not see what was set aside meanwhile, from
-- within his snapshot. One probe for each scope in which something is set aside.
create function foreword_code.let_go_resumed() returns void
language plpgsql as $$
declare
  resumed text[];
begin
  with recursive holding as (
    (
      select e.scope from foreword_private.entry e where e.held order by e.scope limit 1
    )
    union all
    select n.scope
    from holding h
    cross join lateral (
      select e.scope
      from foreword_private.entry e
      where e.held and e.scope > h.scope
      order by e.scope
      limit 1
    ) n
  )
  select array_agg(h.scope)
  into resumed
  from holding h
  where not exists (
    select from foreword_private.pause p where p.scope = h.scope and p.resumed_at is null
  );
  if resumed is not null then
    perform foreword_code.let_go_paused(resumed);
  end if;
end
$$;
