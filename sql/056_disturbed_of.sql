-- Decisions some of whose premises have next versions by now, and those that relied on such, or on others that
-- are not certified. Every cycle of serializable-but-for-a-miss transactions leads out of its last member to an
-- earlier one, by an anti-dependency: a decision nothing of whose premises has moved closes none with whatever
-- has committed until now. p_plain: none of them has counted or asked for anything. p_readers and the others, side by
-- side: who has read something, who wrote that, who wrote its next version, and whether it has come true.
create function foreword_code.disturbed_of(
  p_decisions uuid[],
  p_plain boolean,
  p_readers uuid[],
  p_writers uuid[],
  p_movers uuid[],
  p_through boolean[]
) returns uuid[]
language plpgsql as $$
#variable_conflict use_column
declare
  disturbed uuid[];
  infected uuid[];
  readers uuid[];
  writers uuid[];
  counting uuid[];
  counted uuid[];
begin
  select
    coalesce(array_agg(r.reader) filter (where r.mover <> r.reader), '{}'),
    -- What has come true was certified before it was attempted.
    array_agg(r.reader) filter (where not r.through and r.writer <> r.reader),
    array_agg(r.writer) filter (where not r.through and r.writer <> r.reader)
  into disturbed, readers, writers
  from unnest(p_readers, p_writers, p_movers, p_through) as r (reader, writer, mover, through)
  where r.reader = any (p_decisions);

  if not p_plain then
    disturbed := disturbed || array(
      select d.id
      from foreword_private.decision d
      where
        d.id = any (p_decisions)
        and (
          exists (
            select
            from jsonb_to_recordset(d.premise_counters) as c (scope text, metric text, version bigint)
            cross join lateral (
              select
              from foreword_private.quota_entry q
              where
                q.scope = c.scope
                and q.metric = c.metric
                and q.version = c.version + 1
                and q.decision <> d.id
              offset 0
            ) q
          )
          or exists (
            select
            from jsonb_to_recordset(d.premise_predicates)
              as f (scope text, kind text, label text, value text)
            cross join lateral (
              select
              from foreword_private.member_entry m
              where
                m.scope = f.scope
                and m.kind = f.kind
                and m.label = f.label
                and m.value = f.value
                and m.xid >= pg_snapshot_xmin(d.snapshot)
                and not pg_visible_in_snapshot(m.xid, d.snapshot)
                and m.decision <> d.id
              offset 0
            ) m
          )
        )
    );
    select array_agg(d.id), array_agg(q.decision)
    into counting, counted
    from foreword_private.decision d
    cross join lateral jsonb_to_recordset(d.premise_counters)
      as c (scope text, metric text, version bigint)
    cross join lateral (
      select q.decision
      from foreword_private.quota_entry q
      where q.scope = c.scope and q.metric = c.metric and q.version = c.version
      offset 0
    ) q
    where d.id = any (p_decisions) and q.decision <> d.id;
    readers := readers || counting;
    writers := writers || counted;
  end if;

  if writers is not null then
    select array_agg(w.reader), array_agg(w.writer)
    into readers, writers
    from unnest(readers, writers) as w (reader, writer)
    cross join lateral (
      select
      from foreword_private.decision x
      where x.id = w.writer and x.certified_at is null
      offset 0
    ) x;
  end if;
  loop
    infected := array(
      select distinct r.reader
      from unnest(readers, writers) as r (reader, writer)
      where
        r.reader <> all (disturbed)
        and (r.writer <> all (p_decisions) or r.writer = any (disturbed))
    );
    exit when cardinality(infected) = 0;
    disturbed := disturbed || infected;
  end loop;
  return disturbed;
end
$$;
