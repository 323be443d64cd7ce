-- Reads one resource as everybody assumes it to be. A name never seen gets its slot here, in this very
-- transaction: an absence that was read without a row of its own would be no fact that another writer
-- meets. (Two who name it at the same moment meet in the unique key: 23505, to be tried again. Where
-- names are many and new, name them beforehand with foreword.prepare: no decision then waits for another.)
create function foreword.assume(
  scope text,
  kind text,
  name text,
  out version bigint,
  out state jsonb,
  out labels jsonb
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  id uuid := foreword_code.resource_id(assume.scope, assume.kind, assume.name);
begin
  perform foreword_code.must_be_serializable('foreword.assume');
  perform foreword_code.check_name('scope', assume.scope);
  perform foreword_code.check_name('kind', assume.kind);
  perform foreword_code.check_name('name', assume.name);
  select s.version, s.assumed, s.labels
  into assume.version, assume.state, assume.labels
  from foreword_private.resource_state s
  where s.resource = id;
  if not found then
    assume.version := 0;
    assume.labels := '{}';
    if current_setting('transaction_read_only') = 'off' then
      insert into foreword_private.resource (id, scope, kind, name)
      values (id, assume.scope, assume.kind, assume.name);
      insert into foreword_private.resource_state (resource)
      values (id);
    end if;
  end if;
  perform foreword_code.note(
    'premises',
    jsonb_build_object('resource', id, 'version', assume.version)::text
  );
end
$$;
comment on function foreword.assume(text, text, text) is
  'In a SERIALIZABLE transaction: one resource as everybody assumes it to be, in one row; state null: absent; version 0: never existed. Remembered as a premise of the decision to come. FW001: another isolation level. FW025: no name.';
