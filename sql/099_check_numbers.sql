-- Refuses a state with a number that has more digits than the programs that carry it out can hold: they would send
-- another one. Most states have none that is long, and are not looked through.
create function foreword_code.check_numbers(p_value jsonb, p_what text) returns void
language plpgsql immutable
as $$
declare
  odd text;
begin
  if p_value is null or p_value::text !~ '[0-9.]{16}' then
    return;
  end if;
  select n.number #>> '{}' into odd
  from jsonb_path_query(p_value, 'strict $.** ? (@.type() == "number")') as n (number)
  where
    case
      when n.number = '0' then false
      when abs((n.number #>> '{}')::numeric) not between 1e-300 and 1e300 then true
      else (n.number #>> '{}')::numeric <> (n.number #>> '{}')::float8::text::numeric
    end
  limit 1;
  if odd is not null then
    raise exception '%: the number % cannot be kept exactly', p_what, left(odd, 60)
      using errcode = 'FW020', hint = 'Write it as a text, in quotes.';
  end if;
end
$$;
