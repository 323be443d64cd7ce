-- What has left the log, and where it is.
create view foreword.archive as
select
  a.id,
  a.archived_at,
  a.archived_by as by,
  a.file,
  a.sha256,
  a.bytes,
  a.decisions,
  a.entries,
  a.attempts,
  a.decided_from,
  a.decided_until
from foreword_private.archive a;

comment on view foreword.archive is 'Files to which what was settled long ago has been moved; see `foreword archive`.';
comment on column foreword.archive.id is 'Number of the file.';
comment on column foreword.archive.archived_at is 'When the log let go of what it holds.';
comment on column foreword.archive.by is 'User of the database who archived.';
comment on column foreword.archive.file is 'Its path, where it was written.';
comment on column foreword.archive.sha256 is 'Digest of its lines, the first and the last one left out.';
comment on column foreword.archive.bytes is 'Size of those lines.';
comment on column foreword.archive.decisions is 'Decisions in it, a line for each.';
comment on column foreword.archive.entries is 'Entries in it.';
comment on column foreword.archive.attempts is 'External calls in it.';
comment on column foreword.archive.decided_from is 'When the first of its decisions was made.';
comment on column foreword.archive.decided_until is 'When the last of its decisions was made.';

-- From when on the log tells everything.
create view foreword.kept as
select
  s.scope,
  s.kept_since as since
from foreword_private.archived_scope s;

comment on view foreword.kept is 'Scopes of which something was archived. All others are in the log as a whole.';
comment on column foreword.kept.scope is 'Tenant or account.';
comment on column foreword.kept.since is 'From then on all that was assumed in it can be told from the log.';
