-- What leaves the log with these decisions, a line of JSON for each: its row, its entries with names, calls and
-- arguments, what it moved of counters and predicates, and what came of deciding it again.
create function foreword_code.archive_lines(p_decisions uuid[])
returns table (line text, entries bigint, attempts bigint, decided_at timestamptz)
language plpgsql stable
set timezone = 'UTC'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  select
    jsonb_build_object(
      'decision', to_jsonb(d) - 'archive' - 'unplaced' - 'abandoned' - 'waits_for',
      'entries', coalesce(w.entries, '[]'),
      'counters', coalesce(
        (
          select jsonb_agg(to_jsonb(q) - 'decision' order by q.scope, q.metric, q.version)
          from foreword_private.quota_entry q
          where q.decision = d.id
        ),
        '[]'
      ),
      'members', coalesce(
        (
          select jsonb_agg(
            to_jsonb(m) - 'decision'
            order by m.resource, m.version, m.label, m.value, m.entered
          )
          from foreword_private.member_entry m
          where m.decision = d.id
        ),
        '[]'
      ),
      'again', (
        select to_jsonb(a) - 'decision'
        from foreword_private.again a
        where a.decision = d.id
      )
    )::text,
    coalesce(w.count, 0),
    coalesce(w.attempts, 0)::bigint,
    d.decided_at
  from foreword_private.decision d
  cross join lateral (
    select
      jsonb_agg(
        to_jsonb(e) - 'decision' || jsonb_build_object(
          'name', (select r.name from foreword_private.resource r where r.id = e.resource),
          'calls', t.calls,
          'args', (
            select g.args
            from foreword_private.argument g
            where g.resource = e.resource and g.version = e.version
          )
        )
        order by e.id
      ) as entries,
      count(*) as count,
      sum(t.count) as attempts
    from foreword_private.entry e
    cross join lateral (
      select
        coalesce(jsonb_agg(to_jsonb(t) - 'entry' order by t.number), '[]') as calls,
        count(*) as count
      from foreword_private.attempt t
      where t.entry = e.id
    ) t
    where e.decision = d.id
  ) w
  where d.id = any (p_decisions)
  order by d.decided_at, d.id;
end
$$;
