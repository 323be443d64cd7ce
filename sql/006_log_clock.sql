-- Transaction numbers as the log counts them. They order who could have seen whom, so they may never go
-- back; but a server that got the log from a dump counts its own from the beginning, and every new decision
-- would seem older than all that is there. `foreword migrate` notices (store/migrate/moved.ts) and from then
-- on both functions count ahead. Everywhere else they are what they are named after, inlined, for nothing.
do $do$
declare
  ahead_by constant bigint := coalesce((select max(c.ahead_by) from foreword_private.log_clock c), 0);
begin
  if ahead_by = 0 then
    create function foreword_code.log_xid() returns xid8
    language sql stable
    return pg_current_xact_id();

    create function foreword_code.log_snapshot() returns pg_snapshot
    language sql stable
    return pg_current_snapshot();
  else
    execute format(
      $sql$
        create function foreword_code.log_xid() returns xid8
        language sql stable
        return (pg_current_xact_id()::text::bigint + %1$s)::text::xid8;

        create function foreword_code.log_snapshot() returns pg_snapshot
        language sql stable
        return (
          select
            format(
              '%%s:%%s:%%s',
              pg_snapshot_xmin(s)::text::bigint + %1$s,
              pg_snapshot_xmax(s)::text::bigint + %1$s,
              (
                select string_agg((x::text::bigint + %1$s)::text, ',' order by x::text::bigint)
                from pg_snapshot_xip(s) x
              )
            )::pg_snapshot
          from pg_current_snapshot() s
        );
      $sql$,
      ahead_by
    );
  end if;
end
$do$;

-- Whether the log holds numbers that this server has not come to: it has moved here, and nobody has
-- migrated since. Asked of the newest entries only; on its own server a committed number is always past.
create function foreword_code.log_has_moved() returns boolean
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from (
      select e.decision
      from foreword_private.entry e
      order by e.id desc
      limit 1000
    ) n
    join foreword_private.decision d on d.id = n.decision
    where d.xid >= pg_snapshot_xmax(foreword_code.log_snapshot())
  );
end
$$;
