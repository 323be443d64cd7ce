-- A person takes back an intent that nothing has come of, and never can have.
create function foreword.cancel(intent bigint, by text, note text default '') returns text
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
  unwanted foreword_private.entry;
begin
  unwanted := foreword_code.intent_to_rule(cancel.intent, cancel.by, cancel.note);
  if unwanted.state not in ('awaiting_approval', 'pending') then
    raise exception 'intent % has been begun: it is %',
      cancel.intent, replace(unwanted.state, '_', ' ')
      using
        errcode = 'FW041',
        hint = case unwanted.state
          when 'in_doubt' then format('Abandon it: foreword resolve %s --abandon', cancel.intent)
          else 'Decide the contrary instead: an effect is not taken back by cancelling.'
        end;
  end if;
  if foreword_code.earlier_doubt(unwanted.id, unwanted.attempts + 1) in ('open', 'retry') then
    raise exception 'a call of intent % may have had its effect', cancel.intent
      using errcode = 'FW041', hint = 'It is called again, or looked up; decide the contrary afterwards.';
  end if;
  perform foreword_code.rule(unwanted, 'cancel', cancel.by, cancel.note, 'rejected');
  return foreword_code.take_back_ruled(unwanted);
end
$$;
comment on function foreword.cancel(bigint, text, text) is
  'Takes back an intent of which no call can have had an effect: one that awaits approval, or is pending and was never called for, or was refused, or never sent. Its version is withdrawn, and what relied on it goes stale. Who, when and why are kept in foreword.ruling. Returns the state that it is in: cancelled in a SERIALIZABLE transaction, else rejected until the next worker looks. FW040: no such intent. FW041: it has been begun, or is settled. FW042: somebody has it in hand. FW043: nobody''s ruling.';
