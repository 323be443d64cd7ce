-- Scopes, and whether they are paused.
create view foreword.scope as
select
  s.scope,
  p.scope is not null as paused,
  p.paused_by as by,
  p.note,
  p.paused_at as since,
  case
    when p.scope is not null then (
      select count(*)
      from foreword_private.entry e
      where e.scope = s.scope and e.settled_at is null and e.state = 'pending'
    )
    else 0
  end as waiting,
  s.version
from foreword_private.scope s
left join foreword_private.pause p on p.scope = s.scope and p.resumed_at is null
where s.scope <> '';

comment on view foreword.scope is 'Every scope that was named, and whether it is paused.';
comment on column foreword.scope.scope is 'Tenant or account.';
comment on column foreword.scope.paused is 'True while nothing is decided in it, and nothing begun: see foreword.pause and foreword.resume.';
comment on column foreword.scope.by is 'Who paused it, as he said; null: it is not paused.';
comment on column foreword.scope.note is 'Why, in his words; null: it is not paused.';
comment on column foreword.scope.since is 'Since when it is paused; null: it is not.';
comment on column foreword.scope.waiting is 'Intents that wait for it to go on.';
comment on column foreword.scope.version is 'Grows by one with each pause and each resume; decisions rely on it.';

-- Who paused and who resumed, ever.
create view foreword.pause as
select
  p.scope,
  p.version,
  p.paused_at,
  p.paused_by,
  p.paused_login,
  p.note,
  p.resumed_at,
  p.resumed_by,
  p.resumed_login,
  p.resumed_note
from foreword_private.pause p;

comment on view foreword.pause is 'Every pause of a scope; kept for ever.';
comment on column foreword.pause.scope is 'Tenant or account.';
comment on column foreword.pause.version is 'Version of the scope that the pause made.';
comment on column foreword.pause.paused_at is 'When it was paused.';
comment on column foreword.pause.paused_by is 'Who paused it, as he said.';
comment on column foreword.pause.paused_login is 'User of the database who was logged in.';
comment on column foreword.pause.note is 'Why, in his words.';
comment on column foreword.pause.resumed_at is 'When it went on; null: it is paused.';
comment on column foreword.pause.resumed_by is 'Who let it go on, as he said.';
comment on column foreword.pause.resumed_login is 'User of the database who was logged in then.';
comment on column foreword.pause.resumed_note is 'Why, in his words.';
