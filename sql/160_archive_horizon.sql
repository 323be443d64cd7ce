-- What is settled before `settled_before` and was written by a transaction below `xid_below` may be archived, as far as
-- nobody needs it (161): no certificate that is still to be given looks there. A decision is certified against those
-- that were under way with it, and those with these; all of them within an hour, or their sessions are still there.
-- held_by: the oldest decision that is not certified, where that holds the horizon back. held_open: the oldest open
-- transaction, prepared ones included, where that does.
create function foreword_code.archive_horizon(p_older_than interval)
returns table (
  settled_before timestamptz,
  xid_below bigint,
  held_by uuid,
  undoing uuid[],
  held_open jsonb
)
language plpgsql as $$
#variable_conflict use_column
declare
  under_way constant interval := interval '1 hour';
  wanted constant timestamptz := clock_timestamp() - greatest(p_older_than, under_way);
  oldest record;
begin
  select d.id, d.decided_at
  into oldest
  from (
    select u.id, u.decided_at
    from foreword_private.decision u
    where u.unplaced and not u.abandoned
    union all
    select o.id, o.decided_at
    from foreword_private.entry e
    join foreword_private.decision o on o.id = e.decision
    where e.settled_at is null and o.certified_at is null
  ) d
  order by d.decided_at
  limit 1;
  settled_before := least(
    wanted,
    oldest.decided_at - under_way,
    (
      select min(a.xact_start)
      from pg_stat_activity a
      where a.datname = current_database() and a.pid <> pg_backend_pid()
    )
  );
  held_by := case when oldest.decided_at - under_way < wanted then oldest.id end;
  xid_below := least(
    pg_snapshot_xmin(foreword_code.log_snapshot())::text::bigint,
    (
      select min(pg_snapshot_xmin(d.snapshot)::text::bigint)
      from foreword_private.decision d
      where d.id = oldest.id
    )
  );
  held_open := (
    select
      to_jsonb(o)
      || jsonb_build_object(
        'since', to_char(o.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      )
    from (
      select
        a.xact_start as since,
        a.pid,
        coalesce(nullif(a.application_name, ''), a.backend_type) as application,
        a.usename as login,
        a.state,
        null::text as gid
      from pg_stat_activity a
      where a.datname = current_database() and a.pid <> pg_backend_pid()
      union all
      select p.prepared, null, null, p.owner, 'prepared', p.gid
      from pg_prepared_xacts p
      where p.database = current_database()
      order by since
      limit 1
    ) o
    where o.since < wanted
  );
  -- Decisions that are being undone: until that is through, what they were is asked for.
  undoing := array(
    select distinct (d.input ->> 'compensates')::uuid
    from foreword_private.entry e
    join foreword_private.decision d on d.id = e.decision
    where e.settled_at is null and d.decider = 'foreword/compensate'
  );
  return next;
end
$$;
