-- A person says what became of a call whose outcome nobody knows.
create function foreword.resolve(
  intent bigint,
  ruling text,
  by text,
  note text,
  external_id text default null
) returns text
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
  doubted foreword_private.entry;
  last_call foreword_private.attempt;
  next_state text;
begin
  if
    resolve.ruling is null
    or resolve.ruling not in ('happened', 'did_not_happen', 'retry', 'abandon')
  then
    raise exception '% is no ruling', coalesce(quote_literal(left(resolve.ruling, 60)), 'null')
      using errcode = 'FW043', hint = 'Rulings: happened, did_not_happen, retry, abandon.';
  end if;
  if coalesce(btrim(resolve.note), '') = '' then
    raise exception 'a ruling needs a note'
      using errcode = 'FW043', hint = 'Say in a sentence why: it is kept for ever.';
  end if;
  if resolve.external_id is not null and resolve.ruling <> 'happened' then
    raise exception 'an external id, and it is not ruled that it happened'
      using errcode = 'FW043', hint = 'Leave the external id away, or rule happened.';
  end if;
  if
    btrim(resolve.external_id) = ''
    or length(resolve.external_id) > 4096
    or resolve.external_id ~ '[[:cntrl:]\u0080-\u009f]'
  then
    raise exception 'the external id is empty, longer than 4096 characters, or has control characters'
      using errcode = 'FW043', hint = 'Give it as the API does, or leave it away where it is not known.';
  end if;
  doubted := foreword_code.intent_to_rule(resolve.intent, resolve.by, resolve.note);
  if doubted.state <> 'in_doubt' then
    raise exception 'intent % is not in doubt: it is %',
      resolve.intent, replace(doubted.state, '_', ' ')
      using
        errcode = 'FW041',
        hint = case doubted.state
          when 'awaiting_approval' then 'Approve or cancel it.'
          when 'pending' then 'Cancel it, if it shall not be done.'
          else format('See: foreword why %s', resolve.intent)
        end;
  end if;
  select a.* into last_call
  from foreword_private.attempt a
  where a.entry = doubted.id and a.number = doubted.attempts;
  -- A worker that died, or stood still, may have left a call that arrives until then. Who ended his own has none.
  if
    last_call.deadline_at > clock_timestamp()
    and (last_call.outcome is null or last_call.error_class in ('worker_lost', 'lease_lost'))
  then
    raise exception 'a call of intent % may still arrive until %', resolve.intent, last_call.deadline_at
      using errcode = 'FW042', hint = 'Rule on it after that.';
  end if;

  next_state := case
    when resolve.ruling = 'abandon' then 'rejected'
    when resolve.ruling <> 'happened' then 'pending'
    -- It was said before that it is done, and no look has shown it: another look would say nothing new.
    when doubted.applied_at is not null then 'confirmed'
    else 'applied'
  end;
  if next_state = 'confirmed' and doubted.verb = 'delete' then
    -- What it consumed is given back, and deciders read that.
    perform foreword_code.must_be_serializable('to confirm a deletion that no look shows');
    perform foreword_code.release(gen_random_uuid(), doubted.resource, doubted.version);
  end if;
  if resolve.external_id is not null then
    insert into foreword_private.observation as o (resource, external_id)
    values (doubted.resource, resolve.external_id)
    on conflict (resource) do update
    set external_id = excluded.external_id;
  end if;
  perform foreword_code.rule(
    doubted,
    resolve.ruling,
    resolve.by,
    resolve.note,
    next_state,
    resolve.external_id
  );
  return case
    when resolve.ruling = 'abandon' then foreword_code.take_back_ruled(doubted)
    else next_state
  end;
end
$$;
comment on function foreword.resolve(bigint, text, text, text, text) is
  'A person rules on an intent in doubt (foreword.doubt): happened (its effect is looked for and confirmed, or confirmed at once where looks have not shown it before; with the id that the API gave it, if known), did_not_happen (called again under the same key), retry (called again although nobody knows: the effect may come twice), abandon (its version is taken back, and what relied on it goes stale). Who, when and why are kept in foreword.ruling. Returns the state that it is in. At any isolation level; abandoned at once in a SERIALIZABLE transaction, else by the next worker that looks. FW001: it would confirm a deletion that no look shows, and the transaction is not SERIALIZABLE. FW040: no such intent. FW041: not in doubt. FW042: somebody looks at it or calls right now. FW043: no such ruling, or nobody''s, or without a note, or an external id that is none.';
