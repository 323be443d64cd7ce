-- Which release made this schema, for those who may not read the table: programs that connect with a
-- login of a role. (plpgsql: the table is made after this file.)
create function foreword_code.deployed_hash() returns text
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select d.hash
    from foreword_private.deployment d
    order by d.at desc
    limit 1
  );
end
$$;
