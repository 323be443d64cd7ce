-- Names resources before anybody decides on them, so that no decision has to.
create function foreword.prepare(scope text, kind text, variadic names text[]) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
as $$
declare
  each text;
begin
  perform foreword_code.check_name('scope', prepare.scope);
  perform foreword_code.check_name('kind', prepare.kind);
  if prepare.names is null then
    perform foreword_code.check_name('name', null);
  end if;
  foreach each in array prepare.names loop
    perform foreword_code.check_name('name', each);
  end loop;
  perform foreword_code.prepare(
    array_fill(prepare.scope, array[cardinality(prepare.names)]),
    array_fill(prepare.kind, array[cardinality(prepare.names)]),
    prepare.names
  );
end
$$;
comment on function foreword.prepare(text, text, text[]) is
  'Outside of a transaction: makes names known (absent, version 0), so that decisions on them never wait for each other''s first naming. Never necessary, idempotent, means nothing else.';
