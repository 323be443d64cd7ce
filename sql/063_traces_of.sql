-- Where decisions were traced; those that were not are left out. Asked by appliers that record spans.
create function foreword_code.traces_of(p_decisions uuid[])
returns table (decision uuid, traceparent text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select d.id, d.traceparent
  from foreword_private.decision d
  where d.id = any (p_decisions) and d.traceparent is not null
$$;
