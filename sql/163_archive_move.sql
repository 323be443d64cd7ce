-- Takes these decisions out of the log, once a file has them, durably: what is there now must be what the file says,
-- by the digest of its lines. One transaction, the caller's, which leaves the record of the file. Null: somebody has
-- a row of them, or something of them has changed; nothing was done.
-- What stays of a decision is that it was: its id is never decided again, and who has lost the answer to its COMMIT
-- learns that it committed. Of an idempotency key nothing need stay: it is made of a resource and its version, and
-- versions go on from the newest, which never leaves.
create function foreword_code.archive_move(p_decisions uuid[], p_file text, p_sha256 text, p_bytes bigint)
returns bigint
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
  held integer;
  digest text;
  told record;
  archive_id bigint;
begin
  perform
  from foreword_private.decision d
  where d.id = any (p_decisions) and d.archive is null
  order by d.id
  for update skip locked;
  get diagnostics held = row_count;
  if held < cardinality(p_decisions) then
    return null;
  end if;

  select
    encode(sha256(convert_to(string_agg(l.line || chr(10), '' order by l.decided_at, l.place), 'UTF8')), 'hex') as digest,
    sum(l.entries) as entries,
    sum(l.attempts) as attempts,
    min(l.decided_at) as decided_from,
    max(l.decided_at) as decided_until
  into told
  from foreword_code.archive_lines(p_decisions) with ordinality
    as l (line, entries, attempts, decided_at, place);
  if told.digest is distinct from p_sha256 then
    return null;
  end if;

  insert into foreword_private.archive (
    file, sha256, bytes, decisions, entries, attempts, decided_from, decided_until
  )
  values (
    p_file, p_sha256, p_bytes, held, told.entries, told.attempts, told.decided_from, told.decided_until
  )
  returning id into archive_id;

  perform foreword_code.note_kept(p_decisions);

  delete from foreword_private.premise p
  using (
    select d.id, k.resource, k.version
    from foreword_private.decision d
    cross join lateral (
      select k.resource, k.version
      from unnest(d.premise_resources, d.premise_versions) as k (resource, version)
      union all
      select foreword_code.counter_key(c.scope, c.metric), c.version
      from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
      union all
      select
        foreword_code.member_key(f.scope, f.kind, f.label, f.value),
        pg_snapshot_xmax(d.snapshot)::text::bigint
      from jsonb_to_recordset(d.premise_predicates)
        as f (scope text, kind text, label text, value text)
    ) k
    where d.id = any (p_decisions)
  ) g
  where p.resource = g.resource and p.version = g.version and p.decision = g.id;
  delete from foreword_private.attempt t
  using (
    select e.id
    from foreword_private.entry e
    where e.decision = any (p_decisions)
  ) g
  where t.entry = g.id;
  delete from foreword_private.argument a
  using (
    select e.resource, e.version
    from foreword_private.entry e
    where e.decision = any (p_decisions) and e.verb not in ('create', 'update', 'delete')
  ) g
  where a.resource = g.resource and a.version = g.version;
  delete from foreword_private.quota_entry q
  where q.decision = any (p_decisions);
  delete from foreword_private.member_entry m
  where m.decision = any (p_decisions);
  delete from foreword_private.again a
  where a.decision = any (p_decisions);
  delete from foreword_private.entry e
  where e.decision = any (p_decisions);
  update foreword_private.decision d
  set
    archive = archive_id,
    reason = '',
    input = null,
    thought = null,
    premise_resources = '{}',
    premise_versions = '{}',
    premise_predicates = '[]',
    premise_counters = '[]',
    snapshot = null
  where d.id = any (p_decisions);
  return archive_id;
end
$$;
