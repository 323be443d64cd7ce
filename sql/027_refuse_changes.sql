-- Says why a set of changes cannot be made. Asked only when one of them was not: the everyday case pays nothing.
create function foreword_code.refuse_changes(p_changes jsonb) returns void
language plpgsql as $$
declare
  wrong record;
begin
  perform foreword_code.refuse_paused(
    array(
      select c.scope
      from jsonb_to_recordset(p_changes) as c (scope text, cause text, undoes boolean)
      where c.cause = 'intent' and c.undoes is not true
    )
  );

  -- The changes that could be made are made already in this transaction, which is about to fail: what
  -- was moved by a decision of these changes was in order.
  select
    c.kind || '/' || c.name as what,
    c.verb,
    count(*) over (partition by c.resource) > 1 as twice,
    s.resource is null as unprepared
  into wrong
  from jsonb_to_recordset(p_changes)
    as c (decision uuid, resource uuid, kind text, name text, verb text)
  left join foreword_private.resource_state s on s.resource = c.resource
  where s.decision is distinct from c.decision
  order by
    count(*) over (partition by c.resource) > 1 desc,
    s.resource is null desc
  limit 1;

  if wrong.twice or wrong is null then
    raise exception '% is written twice by one decision', coalesce(wrong.what, 'a resource')
      using errcode = 'FW013', hint = 'Intend one change for each resource.';
  elsif wrong.unprepared then
    raise exception '% was never named', wrong.what
      using errcode = 'FW014', hint = 'Call foreword_code.prepare before the transaction.';
  elsif wrong.verb = 'create' then
    raise exception '% is to be created but is assumed present', wrong.what
      using errcode = 'FW010', hint = 'Read it first, and update it where it is there.';
  end if;
  raise exception '% is to have % but is assumed absent', wrong.what, wrong.verb
    using errcode = 'FW011', hint = 'Read it first, and create it where it is absent.';
end
$$;
