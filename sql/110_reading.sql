-- What a SQL client has read and intends in its transaction, until it decides: settings of the
-- transaction, JSON elements joined by commas. They end with the transaction, whichever way it ends. Each
-- list is kept in numbered pieces, for who adds to a setting copies all of it, several times over: with
-- one piece to a list a thousand intents of 1 KB took 11 s.

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

create function foreword_code.note(p_list text, p_elements text) returns void
language plpgsql as $$
declare
  piece_bytes_max constant integer := 8192;
  list constant text := 'foreword.' || p_list;
  piece integer := coalesce(nullif(current_setting(list || '_pieces', true), '')::integer, 1);
  noted text := coalesce(current_setting(list || '_' || piece, true), '');
begin
  if p_elements is null then
    return;
  end if;
  if octet_length(noted) > piece_bytes_max then
    piece := piece + 1;
    noted := '';
    perform set_config(list || '_pieces', piece::text, true);
  end if;
  perform set_config(
    list || '_' || piece,
    noted || case when noted = '' then '' else ',' end || p_elements,
    true
  );
end
$$;

create function foreword_code.noted(p_list text) returns jsonb
language sql stable
return (
  select ('[' || coalesce(string_agg(p.noted, ',' order by p.piece), '') || ']')::jsonb
  from (
    select i as piece, current_setting('foreword.' || p_list || '_' || i, true) as noted
    from generate_series(
      1,
      coalesce(nullif(current_setting('foreword.' || p_list || '_pieces', true), '')::integer, 1)
    ) i
  ) p
  where p.noted <> ''
);

-- Later pieces are begun anew when it is their turn.
create function foreword_code.forget(p_list text) returns void
language sql as $$
  select
    set_config('foreword.' || p_list || '_pieces', '', true),
    set_config('foreword.' || p_list || '_1', '', true);
$$;

-- A name that cannot be one is refused here, with words, and not by a constraint.
create function foreword_code.check_name(p_word text, p_name text) returns void
language plpgsql as $$
begin
  if p_name is null
    or length(p_name) not between 1 and 512
    -- Some locales have the C1 controls among [:cntrl:], others not.
    or p_name ~ '[[:cntrl:]\u0080-\u009f]'
    or (p_word = 'kind' and p_name like '%/%')
  then
    raise exception 'the % % is no name', p_word, coalesce(quote_literal(left(p_name, 60)), 'null')
      using
        errcode = 'FW025',
        hint = 'Names have 1 to 512 characters, no control characters, and kinds no slash.';
  end if;
end
$$;
