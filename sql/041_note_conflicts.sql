-- Counts tries that Postgres aborted: outside of the transactions that they are about, which are gone.
-- p_notes: [{scope, decider, decision, tries, sqlstate}].
create function foreword_code.note_conflicts(p_notes jsonb) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into foreword_private.conflict (scope, decider, decision, tries, sqlstate)
  select n.scope, n.decider, n.decision, n.tries, n.sqlstate
  from jsonb_to_recordset(p_notes)
    as n (scope text, decider text, decision uuid, tries integer, sqlstate text);
$$;
