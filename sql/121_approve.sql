-- A person lets an intent go on that a policy holds back.
create function foreword.approve(intent bigint, by text, note text default '') returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  waiting foreword_private.entry;
begin
  waiting := foreword_code.intent_to_rule(approve.intent, approve.by, approve.note);
  if waiting.state <> 'awaiting_approval' then
    raise exception 'intent % does not wait for approval: it is %',
      approve.intent, replace(waiting.state, '_', ' ')
      using errcode = 'FW041', hint = format('See: foreword why %s', approve.intent);
  end if;
  perform foreword_code.rule(waiting, 'approve', approve.by, approve.note, 'pending');
  return 'pending';
end
$$;
comment on function foreword.approve(bigint, text, text) is
  'Lets an intent that awaits approval be carried out; who, when and why are kept in foreword.ruling. Returns the state that it is in. FW040: no such intent. FW041: it awaits no approval. FW043: nobody''s approval.';
