-- Refuses what is decided in a scope that is paused, and says who has paused it. Asked only where one of these
-- scopes is: no decision pays for it. Returns where none of them is.
create function foreword_code.refuse_paused(p_scopes text[]) returns void
language plpgsql as $$
declare
  paused foreword_private.pause;
begin
  select p.* into paused
  from foreword_private.pause p
  where p.scope = any (p_scopes) and p.resumed_at is null
  order by p.scope
  limit 1;
  if found then
    raise exception 'scope % is paused %', paused.scope, foreword_code.tell_pause(paused)
      using errcode = 'FW050', hint = format('foreword resume %s', paused.scope);
  end if;
end
$$;

create function foreword_code.tell_pause(p_pause foreword_private.pause) returns text
language sql immutable parallel safe
return format('by %s%s', p_pause.paused_by, case when p_pause.note <> '' then ': ' || p_pause.note end);
