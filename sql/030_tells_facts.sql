-- Whether decisions or changes say what was seen or taken back, and not what is intended. Such facts call
-- nothing and are believed without a certificate: not for a login to tell that may only decide. One that may
-- rule tells what was ruled. What undoes is intended, but in a paused scope too: for who may take back.
create function foreword_code.tells_facts(p_decisions jsonb, p_changes jsonb) returns boolean
language plpgsql as $$
begin
  if
    not exists (
      select
      from jsonb_to_recordset(p_decisions) as d (facts boolean, undoes boolean)
      where d.facts or d.undoes
    )
    and not exists (
      select
      from jsonb_to_recordset(p_changes) as c (cause text, undoes boolean)
      where c.cause is distinct from 'intent' or c.undoes
    )
  then
    return false;
  end if;
  -- Here current_user is the owner, whoever has logged in. A role that nobody has made has no members.
  if
    not pg_has_role(session_user, current_user, 'member')
    and pg_has_role(session_user, to_regrole('foreword_applier')::oid, 'member') is not true
    and (
      pg_has_role(session_user, to_regrole('foreword_operator')::oid, 'member') is not true
      or exists (
        select
        from jsonb_to_recordset(p_changes) as c (cause text, undoes boolean)
        where c.cause is distinct from 'ruling' and c.undoes is not true
      )
    )
  then
    raise exception '% may record what is intended, and not what was seen or taken back', session_user
      using
        errcode = '42501',
        hint = format('That is for %I and members of foreword_applier.', current_user);
  end if;
  return true;
end
$$;
