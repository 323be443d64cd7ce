-- Stale decisions of paused scopes: they would be refused now, and are decided again once their scopes go on.
create function foreword_code.again_paused() returns setof uuid
language sql stable as $$
  select a.decision
  from foreword_private.again a
  join foreword_private.decision d on d.id = a.decision
  join foreword_private.pause p on p.scope = d.scope and p.resumed_at is null
  where
    -- Nearly always nothing is paused, and then nothing else is asked.
    exists (select from foreword_private.pause o where o.resumed_at is null)
    and a.ended_at is null;
$$;
