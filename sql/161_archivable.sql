-- Of the entries next in the log (p_after: the last one that was looked at), the decisions that may leave it. Whole
-- decisions only, all that they wrote and did; each must have been written before the horizon (160), and
--   all its entries are settled, and were before it;
--   of each resource a later version stands that was settled before it too, with nothing open below: that one is what
--     is assumed, what an open intent comes after, and what would be gone back to;
--   nobody has ruled on any of them;
--   no newest version of a resource, and no open intent, was decided on any of them (their `why` shows it);
--   it is neither to be decided again nor being undone.
-- last_id null: there was none left.
create function foreword_code.archivable(
  p_after bigint,
  p_rows integer,
  p_settled_before timestamptz,
  p_xid_below bigint,
  p_undoing uuid[]
) returns table (last_id bigint, decisions uuid[])
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
  looked_at uuid[];
begin
  select max(e.id), array_agg(distinct e.decision) filter (where e.settled_at < p_settled_before)
  into last_id, looked_at
  from (
    select e.id, e.decision, e.settled_at
    from foreword_private.entry e
    where e.id > p_after
    order by e.id
    limit p_rows
  ) e;
  decisions := array(
    select d.id
    from unnest(looked_at) as l (id)
    cross join lateral (
      select d.id
      from foreword_private.decision d
      where
        d.id = l.id
        and d.archive is null
        and not d.abandoned
        and not d.unplaced
        and d.waits_for is null
        and d.xid::text::bigint < p_xid_below
        and d.id <> all (p_undoing)
      offset 0
    ) d
    where
      not exists (
        select
        from foreword_private.again a
        where a.decision = d.id and (a.ended_at is null or a.ended_at >= p_settled_before)
      )
      and not exists (
        select
        from foreword_private.entry e
        where
          e.decision = d.id
          and (
            coalesce(e.settled_at, 'infinity') >= p_settled_before
            or exists (select from foreword_private.ruling r where r.entry = e.id)
            or not exists (
              select
              from (
                select k.version, k.settled_at, k.decision
                from foreword_private.entry k
                where
                  k.resource = e.resource
                  and k.version > e.version
                  and k.settled_at is not null
                  and not foreword_code.is_withdrawn(k.cause, k.state)
                order by k.version
                limit 1
              ) k
              cross join lateral (
                select x.xid
                from foreword_private.decision x
                where x.id = k.decision
                offset 0
              ) x
              where
                k.settled_at < p_settled_before
                and x.xid::text::bigint < p_xid_below
                and not exists (
                  select
                  from foreword_private.entry o
                  where o.resource = e.resource and o.version < k.version and o.settled_at is null
                )
            )
            or exists (
              select
              from (
                select p.decision
                from foreword_private.premise p
                where p.resource = e.resource and p.version = e.version
                union all
                -- Whoever replaces it himself has no row there (056_place.sql).
                select w.decision
                from foreword_private.entry w
                where w.resource = e.resource and w.version = e.version + 1
                offset 0
              ) p
              cross join lateral (
                select h.resource, h.version, h.settled_at
                from foreword_private.entry h
                where h.decision = p.decision
                offset 0
              ) h
              where
                p.decision <> d.id
                and (
                  h.settled_at is null
                  or not exists (
                    select
                    from foreword_private.entry n
                    where n.resource = h.resource and n.version > h.version
                  )
                )
            )
          )
      )
  );
  return next;
end
$$;
