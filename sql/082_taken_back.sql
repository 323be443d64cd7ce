-- What an applier asks about decisions that are taken back: which intents are theirs, and who decides again.
create function foreword_code.intents_of(p_decision uuid) returns setof bigint
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select e.id
  from foreword_private.entry e
  where e.decision = p_decision and e.cause = 'intent'
  order by e.id;
$$;

create function foreword_code.who_decided(p_decisions uuid[])
returns table (decision uuid, scope text, decider text, actor text, input jsonb)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select d.id, d.scope, d.decider, d.actor, d.input
  from foreword_private.decision d
  where d.id = any (p_decisions) and not d.abandoned;
$$;
