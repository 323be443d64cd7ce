-- Reads what is consumed of a metric. A metric never seen gets its row here, as a name does in assume.
create function foreword.counter(scope text, metric text) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_indexonlyscan = off
set random_page_cost = 1.1
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  counted record;
begin
  perform foreword_code.must_be_serializable('foreword.counter');
  perform foreword_code.check_name('scope', counter.scope);
  perform foreword_code.check_name('metric', counter.metric);
  select q.consumed, q.version
  into counted
  from foreword_private.quota q
  where q.scope = counter.scope and q.metric = counter.metric;
  if not found and current_setting('transaction_read_only') = 'off' then
    insert into foreword_private.quota (scope, metric)
    values (counter.scope, counter.metric);
  end if;
  perform foreword_code.note(
    'counters',
    jsonb_build_object(
      'scope', counter.scope,
      'metric', counter.metric,
      'consumed', coalesce(counted.consumed, 0),
      'version', coalesce(counted.version, 0)
    )::text
  );
  return coalesce(counted.consumed, 0);
end
$$;
comment on function foreword.counter(text, text) is
  'In a SERIALIZABLE transaction: what is consumed of a metric in a scope, unsettled intents included; 0 where nobody consumes it. Remembered as a premise. FW001: another isolation level. FW025: no name.';
