-- What may be said of how a resource may change. The same as src/domain/codec/codec.ts has for stack files.
create function foreword_code.check_lifecycle(p_lifecycle jsonb, p_what text) returns void
language plpgsql as $$
declare
  odd text;
begin
  if p_lifecycle is null or jsonb_typeof(p_lifecycle) <> 'object' then
    raise exception 'the lifecycle of % must be a JSON object', p_what
      using errcode = 'FW028', hint = 'Like {"prevent_destroy": true}; {} where nothing is to be said.';
  end if;
  select l.key
  into odd
  from jsonb_each(p_lifecycle) l
  where
    case
      when l.key in ('prevent_destroy', 'create_before_destroy', 'adopt') then jsonb_typeof(l.value) <> 'boolean'
      when l.key in ('ignore', 'replace_on')
        then
          jsonb_typeof(l.value) <> 'array'
          or l.value @? 'strict $[*] ? (@.type() != "string" || @ == "")'
      else true
    end
  limit 1;
  if odd is not null then
    raise exception 'the lifecycle of % has % wrong', p_what, quote_literal(left(odd, 60))
      using
        errcode = 'FW028',
        hint = 'prevent_destroy, create_before_destroy, adopt: true or false; ignore, replace_on: arrays of paths.';
  end if;
end
$$;
