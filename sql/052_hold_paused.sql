-- Of these scopes those that are paused, and stay so until this transaction has committed: whoever resumes one lets
-- go what was set aside, and must see it. Left out are those that somebody moves just now, for nobody waits here.
create function foreword_code.hold_paused(p_scopes text[]) returns text[]
language sql
return array(
  select s.scope
  from foreword_private.scope s
  where s.scope = any (p_scopes) and s.version % 2 = 1
  for share skip locked
);
