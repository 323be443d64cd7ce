-- Records what was intended in this transaction on the grounds of what was read in it: one decision,
-- through the same foreword_code.record as deciders in TypeScript. It counts once the transaction
-- commits, and only then.
create function foreword.decide(
  decider text,
  reason text default '',
  id uuid default null,
  compensation text default 'keep_going'
) returns uuid
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
#variable_conflict use_variable
declare
  intents_max constant integer := 1000;
  decision constant uuid := coalesce(decide.id, gen_random_uuid());
  intents jsonb;
  premises jsonb;
  changes jsonb;
  odd text;
begin
  perform foreword_code.must_be_serializable('foreword.decide');
  perform foreword_code.check_name('decider', decide.decider);
  if decide.compensation is null or decide.compensation not in ('keep_going', 'halt', 'all_or_compensate') then
    raise exception 'unknown compensation %', coalesce(quote_literal(decide.compensation), 'null')
      using errcode = 'FW028', hint = 'Known: keep_going, halt, all_or_compensate.';
  end if;
  intents := foreword_code.noted('intents');
  if jsonb_array_length(intents) = 0 then
    return null;
  end if;
  if jsonb_array_length(intents) > intents_max then
    raise exception '% intents in one decision, % at most', jsonb_array_length(intents), intents_max
      using errcode = 'FW027', hint = 'Split it into several decisions.';
  end if;
  select i.kind || '/' || i.name into odd
  from jsonb_to_recordset(intents) as i (scope text, kind text, name text)
  group by i.scope, i.kind, i.name
  having count(*) > 1
  limit 1;
  if odd is not null then
    raise exception '% is written twice by one decision', odd
      using errcode = 'FW013', hint = 'Intend one change for each resource.';
  end if;

  perform foreword_code.name_in_decision(intents);
  changes := (
    select
      jsonb_agg(
        jsonb_build_object(
          'decision', decision,
          'cause', 'intent',
          'resource', foreword_code.resource_id(i.scope, i.kind, i.name),
          'scope', i.scope,
          'kind', i.kind,
          'name', i.name,
          'verb', i.verb,
          'state', i.state,
          'labels', i.options -> 'labels',
          -- 4.0 is a whole number, but not to whoever reads it as text.
          'counters', case
            when i.options ? 'counters' then (
              select coalesce(jsonb_object_agg(c.key, c.value::bigint), '{}')
              from jsonb_each(i.options -> 'counters') c
            )
          end,
          'needs', (
            select
              jsonb_agg(
                foreword_code.resource_id(i.scope, split_part(n, '/', 1), substr(n, strpos(n, '/') + 1))
              )
            from jsonb_array_elements_text(coalesce(i.options -> 'needs', '[]')) n
          ),
          'args', i.options -> 'args',
          'initial', 'pending',
          'position', i.position
        )
        -- The order of ids is everybody's, so that two transactions never wait for each other.
        order by foreword_code.resource_id(i.scope, i.kind, i.name)
      )
    from rows from (
      jsonb_to_recordset(intents)
        as (scope text, kind text, name text, verb text, state jsonb, options jsonb)
    ) with ordinality as i (scope, kind, name, verb, state, options, position)
  );
  perform foreword_code.refuse_circles(changes);
  changes := foreword_code.under_policies(changes);
  select
    jsonb_build_object(
      'premise_resources', coalesce(jsonb_agg(p.resource), '[]'),
      'premise_versions', coalesce(jsonb_agg(p.version), '[]')
    )
  into premises
  from (
    select distinct p.resource, p.version
    from jsonb_to_recordset(foreword_code.noted('premises')) as p (resource uuid, version bigint)
  ) p;

  -- Settings are anybody's to set.
  if
    foreword_code.odd_predicates(foreword_code.noted('predicates'))
    or foreword_code.odd_counters(foreword_code.noted('counters'))
    or foreword_code.noted('premises') @? '$[*] ? (!exists(@.resource ? (@ != null)) || !exists(@.version ? (@ >= 0)))'
  then
    perform foreword_code.refuse_premises();
  end if;
  perform foreword_code.record(
    jsonb_build_array(
      premises || jsonb_build_object(
        'id', decision,
        'scope', intents -> 0 ->> 'scope',
        'decider', decide.decider,
        'actor', session_user,
        'reason', coalesce(decide.reason, ''),
        'compensation', decide.compensation,
        'saw_at', transaction_timestamp(),
        'predicates', foreword_code.noted('predicates'),
        'counters', foreword_code.noted('counters')
      )
    ),
    changes
  );

  -- What comes next in this transaction is another decision.
  perform foreword_code.note('moved', string_agg(distinct jsonb_build_array(i.scope, i.kind)::text, ','))
  from jsonb_to_recordset(changes) as i (scope text, kind text, verb text, labels jsonb)
  where i.verb in ('create', 'delete') or i.labels is not null;
  perform foreword_code.forget(s)
  from unnest(array['intents', 'premises', 'predicates', 'counters']) s;
  return decision;
end
$$;
comment on function foreword.decide(text, text, uuid, text) is
  'In a SERIALIZABLE transaction: records what foreword.intend has gathered as one decision of this decider, with everything that assume, find and counter have read as its premises. Returns its id (yours, if given: foreword.committed(id) then tells after a lost COMMIT); null when nothing was intended. compensation: what becomes of it once a part of it was rejected or taken back: keep_going, halt (what is not begun is taken back too) or all_or_compensate (and what was begun is undone). It counts when the transaction commits; 40001, 40P01 and 23505 mean: somebody was first, begin again (with a new id: a used one is 23505 for ever). FW010, FW011: create of what is there, change of what is not. FW013: a resource twice. FW024: a counter that becomes too large. FW026: a deletion that a policy forbids. FW050: a scope that is paused. FW027: more than 1,000 intents. FW033: intents that need each other in a circle.';
