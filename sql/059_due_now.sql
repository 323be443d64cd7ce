-- Work that is due, at most p_slots of each kind, its rows locked. SKIP LOCKED: workers never wait for each
-- other. State 'uncertified': pending, and its decision has to be judged first. Pending comes to be attempted
-- only if nothing is open that it must follow: earlier versions of its resource, all that it needs, and, since it
-- replaces a version, the intents of those who read that. Once attempted it has no more to wait for.
-- p_closed: kinds, each with chr(31) behind it, or with that and a scope, of which nothing is wanted that would
-- call somebody. p_paused: scopes that are paused, or null: what is pending there is not to be attempted, whatever
-- else it waits for. p_windows: some policy has a window, and what is pending outside of it is not to be attempted.
create function foreword_code.due_now(
  p_kinds text[],
  p_slots integer[],
  p_timeouts_ms integer[],
  p_closed text[],
  p_more integer,
  p_paused text[],
  p_windows boolean
) returns table (
  id bigint,
  state text,
  timeout_ms integer,
  spare boolean,
  blocker bigint,
  paused_scope text,
  opens_at timestamptz
)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
  select
    c.id,
    c.state,
    k.timeout_ms,
    row_number() over (partition by k.kind order by c.due_at) > k.slots,
    case
      when w.paused_scope is not null or w.opens_at is not null then null
      when b.begins then coalesce(
        case
          when not b.through then (
            select p.id
            from foreword_private.entry p
            where p.resource = c.resource and p.version < c.version and p.settled_at is null
            order by p.version desc
            limit 1
          )
        end,
        (
          select max(p.id)
          from unnest(c.after_resources, c.after_versions) as a (resource, version)
          cross join lateral (
            select p.id
            from foreword_private.entry p
            where p.resource = a.resource and p.version <= a.version and p.settled_at is null
            order by p.version desc
            limit 1
          ) p
        ),
        -- Newest first: if any reader is not through, it is likely among them. Whoever made the last version that
        -- came true has waited for the readers of those before, but for its own other intents.
        (
          select o.id
          from (values (true)) one
          left join lateral (
            select p.version, p.decision
            from foreword_private.entry p
            where
              not b.through
              and p.resource = c.resource
              and p.version < c.version
              and p.cause = 'intent'
              and p.state = 'confirmed'
            order by p.version desc
            limit 1
          ) before on true
          cross join lateral (
            select
              case when b.through then c.version - 1 else before.version end as version,
              case when b.through then b.decision else before.decision end as decision
          ) last
          -- By its own, lest all who ever read the resource be gone through.
          cross join lateral (
            select r.version, r.decision
            from foreword_private.premise r
            where
              r.resource = c.resource
              and r.version < c.version
              and r.version >= coalesce(last.version - 1, 0)
              and r.decision <> c.decision
            order by r.version desc, r.decision desc
          ) r
          cross join lateral (
            select max(o.id) as id
            from (
              select o.id, o.resource, o.after_resources, o.settled_at
              from foreword_private.entry o
              where o.decision = r.decision
              offset 0
            ) o
            where
              o.settled_at is null
              and o.resource <> c.resource
              and (
                c.resource = any (o.after_resources)
                or not (select d.apart from foreword_private.decision d where d.id = r.decision)
              )
          ) o
          where
            (r.version >= coalesce(last.version, 0) or r.decision = last.decision)
            and o.id is not null
          order by r.version desc, r.decision desc
          limit 1
        )
      )
    end,
    w.paused_scope,
    w.opens_at
  from unnest(p_kinds, p_slots, p_timeouts_ms) as k (kind, slots, timeout_ms)
  cross join lateral (
    select
      e.id,
      e.resource,
      e.version,
      e.scope,
      s.state,
      s.state in ('pending', 'uncertified') as begins,
      e.decision,
      e.due_at,
      e.attempts,
      e.after_resources,
      e.after_versions
    from foreword_private.entry e
    cross join lateral (
      select
        case
          when e.state <> 'pending' or e.attempts > 0 then e.state
          else (
            select
              case
                when d.unplaced or d.waits_for is not null then null
                when d.certified_at is null then 'uncertified'
                else 'pending'
              end
            from foreword_private.decision d
            where d.id = e.decision
          )
        end as state
      offset 0
    ) s
    where
      e.kind = k.kind
      and e.due_at <= clock_timestamp()
      and (
        p_closed is null
        or e.state in ('applying', 'rejected')
        or (
          e.kind || chr(31) <> all (p_closed)
          and e.kind || chr(31) || e.scope <> all (p_closed)
        )
      )
      and s.state is not null
    order by e.due_at
    limit k.slots + p_more
    for update of e skip locked
  ) c
  -- The version that it replaces: once that has come true, nothing before it is open.
  cross join lateral (
    select
      c.state = 'pending' and c.attempts = 0 as begins,
      coalesce(p.state = 'confirmed', false) as through,
      p.decision
    from (values (true)) one
    left join lateral (
      select p.state, p.decision
      from foreword_private.entry p
      where
        c.state = 'pending'
        and c.attempts = 0
        and p.resource = c.resource
        and p.version = c.version - 1
      offset 0
    ) p on true
    offset 0
  ) b
  -- One reason at most to wait for something else than an intent.
  cross join lateral (
    select
      case when c.begins and c.scope = any (p_paused) then c.scope end as paused_scope,
      case
        when c.begins and p_windows and (c.scope = any (p_paused)) is not true
          then foreword_code.held_until(c.scope, k.kind, c.resource, clock_timestamp())
      end as opens_at
    offset 0
  ) w;
end
$$;
