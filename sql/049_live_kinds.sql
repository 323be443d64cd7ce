-- Kinds that a living worker has a provider for; null where nobody lives, which is told otherwise and may end in a
-- moment, and on a standby, which does not know. (A function of its own: views
-- that asked pg_locks, which is volatile, would be read as a whole by whoever joins them by key. They ask it as
-- `(select …)`, once, and only for what is due and not begun.)
create function foreword_code.live_kinds() returns text[]
language plpgsql stable parallel restricted
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_is_in_recovery() then
    return null;
  end if;
  return (
    select array_agg(distinct k.kind)
    from pg_locks l
    join foreword_private.worker w on w.id = l.objid::bigint
    cross join unnest(w.kinds) as k (kind)
    where
      l.locktype = 'advisory'
      and l.classid = 20141
      and l.objsubid = 2
      and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
  );
end
$$;
