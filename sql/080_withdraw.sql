-- Takes back the versions of intents that did not come true: one that was rejected, or those of a decision
-- that must not be carried out (p_reason says why). With them goes every intent not yet begun that relied
-- on them: later versions of the resource, what comes after it, and all that a decision premised on it
-- still intends, transitively; and all that relied on any part of what is all or nothing. Those go stale. Each resource returns, as a new version, to the state it
-- had before the first version taken back. Returns the decisions whose intents went stale and that may be
-- decided again: not those whose own intent was rejected, for they would come to the same, without end.
-- Of a decision that says `halt` or `all_or_compensate` nothing more is begun once a part of it is taken back; what
-- was begun of the latter is undone (079).
-- Where a person had it taken back (abandoned or cancelled: see foreword.ruling), the decision and its entries
-- say so, and the intent is cancelled.
create function foreword_code.withdraw(
  p_id uuid,
  p_entries bigint[],
  p_head jsonb,
  p_reason text default null
) returns uuid[]
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
declare
  doomed_ids bigint[];
  doomed_resources uuid[];
  doomed_versions bigint[];
  grown integer;
  -- All or nothing, and some of it is doomed: what was done of it will be undone.
  undone uuid[];
  changes jsonb;
  replaced_resources jsonb;
  replaced_versions jsonb;
  stale uuid[];
  ruled bigint[] := array(
    select r.entry
    from foreword_private.ruling r
    where r.entry = any (p_entries) and r.ruling in ('abandon', 'cancel')
  );
begin
  select array_agg(e.id), array_agg(e.resource), array_agg(e.version)
  into doomed_ids, doomed_resources, doomed_versions
  from foreword_private.entry e
  where
    e.id = any (p_entries)
    and e.settled_at is null
    and (
      e.state = 'rejected'
      or (p_reason is not null and e.attempts = 0 and e.state in ('pending', 'awaiting_approval'))
    );
  if doomed_ids is null then
    return '{}';
  end if;

  loop
    undone := array(
      select d.id
      from foreword_private.decision d
      where
        d.compensation = 'all_or_compensate'
        and d.id = any (
          array(select x.decision from foreword_private.entry x where x.id = any (doomed_ids))
        )
    );
    select
      doomed_ids || array_agg(e.id),
      doomed_resources || array_agg(e.resource),
      doomed_versions || array_agg(e.version),
      count(*)
    into doomed_ids, doomed_resources, doomed_versions, grown
    from foreword_private.entry e
    join foreword_private.decision d on d.id = e.decision
    where
      e.settled_at is null
      and e.state in ('pending', 'awaiting_approval')
      and e.id <> all (doomed_ids)
      and exists (
        select
        from unnest(doomed_resources, doomed_versions) as x (resource, version)
        where
          (e.resource = x.resource and e.version > x.version)
          or exists (
            select
            from unnest(e.after_resources, e.after_versions) as a (resource, version)
            where a.resource = x.resource and a.version >= x.version
          )
          or (
            not d.apart
            and exists (
              select
              from unnest(d.premise_resources, d.premise_versions) as r (resource, version)
              where r.resource = x.resource and r.version >= x.version
            )
          )
          or (
            not d.apart
            and cardinality(undone) > 0
            and exists (
              select
              from unnest(d.premise_resources, d.premise_versions) as r (resource, version)
              cross join lateral (
                select o.decision
                from foreword_private.entry o
                where o.resource = r.resource and o.version = r.version
                offset 0
              ) o
              where o.decision <> d.id and o.decision = any (undone)
            )
          )
          or (
            d.compensation <> 'keep_going'
            and exists (
              select
              from foreword_private.entry o
              where o.decision = e.decision and o.id = any (doomed_ids)
            )
          )
          or (
            (d.premise_counters <> '[]' or d.premise_predicates <> '[]')
            and foreword_code.counted_on(d.id, x.resource, x.version)
          )
      );
    exit when grown = 0;
  end loop;

  select jsonb_agg(
    jsonb_build_object(
      'decision', p_id,
      'cause', case when ruled = p_entries then 'ruling' else 'withdrawal' end,
      'resource', f.resource,
      'scope', r.scope,
      'kind', r.kind,
      'name', r.name,
      'verb', 'withdraw',
      'state', e.assumed,
      'labels', coalesce(e.labels, '{}'),
      -- What is gone for sure consumes nothing; what is going still does.
      'counters', case
        when e.assumed is null and e.settled_at is not null then '{}'
        else coalesce(e.counters, '{}')
      end
    )
    -- As all who lock several: two transactions never wait for each other.
    order by f.resource
  ),
  jsonb_agg(f.resource),
  jsonb_agg(s.version)
  into changes, replaced_resources, replaced_versions
  from (
    select x.resource, min(x.version) as first_version
    from unnest(doomed_resources, doomed_versions) as x (resource, version)
    group by x.resource
  ) f
  join foreword_private.resource r on r.id = f.resource
  cross join lateral (
    select s.version
    from foreword_private.resource_state s
    where s.resource = f.resource
    offset 0
  ) s
  left join foreword_private.entry e
    on e.resource = f.resource and e.version = f.first_version - 1;

  if ruled = p_entries then
    select
      p_head || jsonb_build_object(
        'decider', 'foreword/ruling',
        'actor', r.ruled_by,
        'reason', format('intent %s was %s', r.entry, foreword_code.tell_ruling(r.ruling, r.ruled_by, r.note))
      )
    into p_head
    from foreword_private.ruling r
    where r.entry = p_entries[1] and r.ruling in ('abandon', 'cancel');
  end if;
  perform foreword_code.record(
    jsonb_build_array(
      p_head || jsonb_build_object(
        'id', p_id,
        'facts', true,
        -- What it replaces, which need not be what it takes back: others may have been taken back since.
        'premise_resources', replaced_resources,
        'premise_versions', replaced_versions
      )
    ),
    changes
  );

  with settled as (
    update foreword_private.entry e
    set
      state = case
        when e.id = any (ruled) then 'cancelled'
        when e.state = 'rejected' then 'rejected'
        else 'stale'
      end,
      reason = case
        when e.state = 'rejected' then e.reason
        when e.id = any (p_entries) then p_reason
        else format('relied on intent %s, which was taken back', p_entries[1])
      end,
      due_at = null,
      waits_for = null,
      worker = null,
      settled_at = clock_timestamp()
    where e.id = any (doomed_ids)
    returning e.decision, e.state
  )
  select coalesce(array_agg(distinct s.decision), '{}')
  into stale
  from settled s
  where
    s.state = 'stale'
    and s.decision not in (select x.decision from settled x where x.state <> 'stale')
    -- What undoes is decided anew below.
    and not exists (
      select
      from foreword_private.decision d
      where d.id = s.decision and d.decider = 'foreword/compensate'
    );
  perform foreword_code.note_stale(stale, coalesce(p_reason, p_head ->> 'reason', ''));
  perform foreword_code.let_go(doomed_ids);
  perform foreword_code.compensate(doomed_ids, coalesce(p_reason, p_head ->> 'reason', ''));
  return stale;
end
$$;
