-- Which intents are those of a decision that is taken back.
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
