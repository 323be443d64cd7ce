-- From which version on the log has all versions of a resource; 1: nothing of it was archived.
create function foreword_code.kept_from(p_resource uuid) returns bigint
language sql stable
return coalesce(
  (select a.kept_from from foreword_private.archived_resource a where a.resource = p_resource),
  1
);

-- One clear error instead of a wrong answer: what was assumed then is not in the log any more.
create function foreword_code.refuse_archived(p_resource uuid, p_asked text) returns void
language plpgsql stable as $$
declare
  found_first record;
begin
  select foreword_code.name_of(p_resource) as name, e.version, e.recorded_at
  into found_first
  from foreword_private.entry e
  where e.resource = p_resource and e.version = foreword_code.kept_from(p_resource);
  raise exception '% of % is archived', p_asked, coalesce(found_first.name, p_resource::text)
    using
      errcode = 'FW060',
      detail = format(
        'The log has it from version %s on, of %s UTC.',
        found_first.version,
        to_char(found_first.recorded_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
      ),
      hint = 'Ask for a later time, or read the files that foreword.archive names.';
end
$$;

-- The same for all of a scope, before any of it is read.
create function foreword_code.refuse_archived_scope(p_scope text, p_at timestamptz) returns void
language plpgsql stable as $$
declare
  since timestamptz := (
    select s.kept_since
    from foreword_private.archived_scope s
    where s.scope = p_scope and s.kept_since > p_at
  );
begin
  if since is null then
    return;
  end if;
  raise exception 'What was assumed in % at % UTC is archived',
    p_scope,
    to_char(p_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    using
      errcode = 'FW060',
      detail = format(
        'The log has all of it from %s UTC on.',
        to_char(since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
      ),
      hint = 'Ask for a later time, or read the files that foreword.archive names.';
end
$$;
