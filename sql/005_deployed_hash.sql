-- Which release made this schema, for those who may not read the table: programs that connect with a
-- login of a role. Null where the log has moved here from another server and must be migrated first.
-- (plpgsql: what it asks for is made after this file.)
create function foreword_code.deployed_hash() returns text
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if foreword_code.log_has_moved() then
    return null;
  end if;
  return (
    select d.hash
    from foreword_private.deployment d
    order by d.at desc
    limit 1
  );
end
$$;
