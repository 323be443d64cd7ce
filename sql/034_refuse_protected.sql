-- Whoever decides: what its owner protects is neither deleted nor replaced. The owner's row is locked, so that
-- he who protects it at any isolation level comes before this decision or after it. What undoes half a saga is
-- let through: it takes back what nobody had asked for.
create function foreword_code.refuse_protected(p_decisions jsonb, p_changes jsonb) returns void
language plpgsql as $$
declare
  kept text;
begin
  select c.kind || '/' || c.name
  into kept
  from jsonb_to_recordset(p_changes)
    as c (decision uuid, cause text, resource uuid, kind text, name text, verb text)
  -- Looked up, not joined: a plan made while the table was tiny begins with it, and reads it all.
  cross join lateral (
    select d.lifecycle
    from foreword_private.desired d
    where d.resource = c.resource and d.ended_at is null
    offset 0
    for share
  ) d
  where
    c.cause = 'intent'
    and c.verb in ('delete', 'replace')
    and d.lifecycle @> '{"prevent_destroy": true}'
    and not exists (
      select
      from jsonb_to_recordset(p_decisions) as x (id uuid, decider text)
      where x.id = c.decision and x.decider = 'foreword/compensate'
    )
  limit 1;
  if kept is not null then
    raise exception '% is protected by prevent_destroy', kept
      using errcode = 'FW026', hint = 'Let its owner want it with prevent_destroy false first.';
  end if;
end
$$;
