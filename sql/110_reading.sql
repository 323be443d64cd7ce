-- What a SQL client has read and intends in its transaction, until it decides: two settings of the
-- transaction, JSON elements joined by commas. They end with the transaction, whichever way it ends.

create function foreword_code.must_be_serializable(p_what text) returns void
language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception '% needs a SERIALIZABLE transaction, this one is %',
      p_what, upper(current_setting('transaction_isolation'))
      using
        errcode = 'FW001',
        hint = 'Begin with: begin isolation level serializable';
  end if;
end
$$;

create function foreword_code.note(p_setting text, p_element jsonb) returns void
language plpgsql as $$
declare
  noted text := coalesce(current_setting(p_setting, true), '');
begin
  perform set_config(p_setting, noted || case when noted = '' then '' else ',' end || p_element, true);
end
$$;

create function foreword_code.noted(p_setting text) returns jsonb
language sql stable
return ('[' || coalesce(current_setting(p_setting, true), '') || ']')::jsonb;

-- A name that cannot be one is refused here, with words, and not by a constraint.
create function foreword_code.check_name(p_word text, p_name text) returns void
language plpgsql as $$
begin
  if p_name is null
    or length(p_name) not between 1 and 512
    or p_name ~ '[[:cntrl:]]'
    or (p_word = 'kind' and p_name like '%/%')
  then
    raise exception 'the % % is no name', p_word, coalesce(quote_literal(left(p_name, 60)), 'null')
      using
        errcode = 'FW025',
        hint = 'Names have 1 to 512 characters, no control characters, and kinds no slash.';
  end if;
end
$$;
