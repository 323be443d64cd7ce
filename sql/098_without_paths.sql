-- A state without what is left to others: whether the rest is as it is wanted. From the first segment of a path
-- that is a pattern on, all that is around it is left out.
create function foreword_code.without_paths(p_state jsonb, p_paths jsonb) returns jsonb
language plpgsql immutable parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  path text;
  parts text[];
  wild integer;
begin
  if jsonb_typeof(p_state) not in ('object', 'array') or jsonb_typeof(p_paths) <> 'array' then
    return p_state;
  end if;
  for path in select jsonb_array_elements_text(p_paths) loop
    parts := string_to_array(trim(both '.' from replace(replace(path, '[', '.'), ']', '')), '.');
    select min(p.place)
    into wild
    from unnest(parts) with ordinality as p (part, place)
    where p.part ~ '[*?]';
    p_state := case
      when wild = 1 then '{}'
      else p_state #- case when wild is null then parts else parts[1 : wild - 1] end
    end;
  end loop;
  return p_state;
end
$$;
