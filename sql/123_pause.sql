-- A person pauses a scope. A write that reads nothing: at any isolation level it comes after the decisions that have
-- read the scope as going on, and before those that are refused; where it is SERIALIZABLE, Postgres aborts who
-- would have to be on both sides.
create function foreword_code.check_pause(p_scope text, p_by text, p_note text) returns void
language plpgsql as $$
begin
  perform foreword_code.check_name('scope', p_scope);
  if p_by is null or length(p_by) not between 1 and 512 or p_by ~ '[[:cntrl:]\u0080-\u009f]' then
    raise exception 'it needs to be said who pauses or resumes'
      using errcode = 'FW043', hint = 'Give a name of 1 to 512 characters, without control characters.';
  end if;
  if p_note is null or length(p_note) > 4000 then
    raise exception 'the note is null, or longer than 4000 characters'
      using errcode = 'FW043', hint = 'Say in a sentence why.';
  end if;
end
$$;

create function foreword.pause(
  scope text,
  by text default session_user,
  note text default ''
) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  made bigint;
begin
  perform foreword_code.check_pause(pause.scope, pause.by, pause.note);
  insert into foreword_private.scope as s (scope, version)
  values (pause.scope, 1)
  on conflict (scope) do update
  set version = s.version + 1
  where s.version % 2 = 0
  returning s.version into made;
  if made is null then
    return false;
  end if;
  insert into foreword_private.pause (scope, version, paused_by, note)
  values (pause.scope, made, pause.by, pause.note);
  return true;
end
$$;
comment on function foreword.pause(text, text, text) is
  'Pauses a scope: nothing is decided in it (FW050 says who has paused it), and nothing that was decided is begun, until foreword.resume. Calls that are under way end, and their effects are looked for and confirmed; what was seen or taken back is recorded. Who, when and why are kept in foreword.pause. False: it was paused already, and stays so. At any isolation level. FW025: no scope. FW043: nobody''s pause.';

create function foreword.resume(
  scope text,
  by text default session_user,
  note text default ''
) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform foreword_code.check_pause(resume.scope, resume.by, resume.note);
  -- First the row that claims hold while they set aside: what they have set aside is seen below.
  update foreword_private.scope s
  set version = s.version + 1
  where s.scope = resume.scope and s.version % 2 = 1;
  if not found then
    return false;
  end if;
  update foreword_private.pause p
  set
    resumed_at = clock_timestamp(),
    resumed_by = resume.by,
    resumed_login = session_user,
    resumed_note = resume.note
  where p.scope = resume.scope and p.resumed_at is null;
  perform foreword_code.let_go_paused(array[resume.scope]);
  perform pg_notify('foreword_wake', '');
  return true;
end
$$;
comment on function foreword.resume(text, text, text) is
  'Lets a paused scope go on: what waited is due at once. False: it was not paused. Who, when and why are kept in foreword.pause. At any isolation level. FW025: no scope. FW043: nobody''s word.';
