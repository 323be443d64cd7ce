-- What the registered policies say, as src/domain/policy.ts and src/decide/hold-deletes.ts say it of the
-- configuration's: test/decide/policies.test.ts holds both to the same cases.

-- `*` is any text, `?` one character.
create function foreword_code.glob_matches(p_pattern text, p_text text) returns boolean
language sql immutable parallel safe
return p_text like translate(
  replace(replace(replace(p_pattern, '\', '\\'), '%', '\%'), '_', '\_'),
  '*?',
  '%_'
);

-- Null: one of these windows is open. Else when the first of them opens.
create function foreword_code.window_opens(p_windows jsonb, p_at timestamptz) returns timestamptz
language sql stable parallel safe
return (
  select
    case
      when not bool_or(w.opens <= p_at and w.closes > p_at)
        then min(w.opens) filter (where w.opens > p_at)
    end
  from (
    select
      (d.day + w."from" * interval '1 min') at time zone 'UTC' as opens,
      (
        d.day + case when w."to" > w."from" then w."to" else w."to" + 1440 end * interval '1 min'
      ) at time zone 'UTC' as closes
    from jsonb_to_recordset(p_windows) as w (days integer[], "from" integer, "to" integer)
    cross join lateral (
      select date_trunc('day', p_at at time zone 'UTC') + i * interval '1 day' as day
      from generate_series(-1, 7) i
    ) d
    where extract(isodow from d.day)::integer = any (w.days)
  ) w
);

-- When an intent may be begun: null, now. The last policy that says something has the say.
create function foreword_code.held_until(p_scope text, p_kind text, p_resource uuid, p_at timestamptz)
returns timestamptz
language sql stable as $$
  select foreword_code.window_opens(p.windows, p_at)
  from foreword_private.policy p
  cross join lateral (
    select r.name
    from foreword_private.resource r
    where r.id = p_resource
    offset 0
  ) r
  where
    p.windows is not null
    and foreword_code.glob_matches(p.scope, p_scope)
    and foreword_code.glob_matches(p.kind, p_kind)
    and foreword_code.glob_matches(p.name, r.name)
  order by p.position desc
  limit 1;
$$;

-- Why the deletions among these changes wait for approval; null: they are no more than is allowed. Of a kind only as
-- many are counted as need be there for them to be few enough.
create function foreword_code.deletes_over_limit(p_changes jsonb) returns text
language sql stable as $$
  select
    format(
      '%s of %s in %s by one decision, %s at most',
      case when d.deletes = 1 then '1 deletion' else d.deletes || ' deletions' end,
      d.kind,
      d.scope,
      case when d.deletes > d.deletes_max then d.deletes_max::text else d.deletes_max_percent || ' %' end
    )
  from (
    select p.position, c.scope, c.kind, p.deletes_max, p.deletes_max_percent, count(*) as deletes
    from jsonb_to_recordset(p_changes) as c (scope text, kind text, name text, verb text)
    cross join lateral (
      select p.position, p.deletes_max, p.deletes_max_percent
      from foreword_private.policy p
      where
        p.position > 0
        and (p.deletes_max is not null or p.deletes_max_percent is not null)
        and foreword_code.glob_matches(p.scope, c.scope)
        and foreword_code.glob_matches(p.kind, c.kind)
        and foreword_code.glob_matches(p.name, c.name)
      order by p.position desc
      limit 1
    ) p
    where c.verb = 'delete'
    group by p.position, c.scope, c.kind, p.deletes_max, p.deletes_max_percent
  ) d
  where
    d.deletes > d.deletes_max
    or case
      when d.deletes_max_percent = 0 then true
      when d.deletes_max_percent > 0 then
        (
          select count(*)
          from (
            select
            from foreword_private.member m
            where m.key = foreword_code.member_key(d.scope, d.kind, '', '')
            limit ceil(d.deletes * 100 / greatest(d.deletes_max_percent, 1e-9))::bigint
          ) m
        ) * d.deletes_max_percent < d.deletes * 100
    end
  order by d.position, d.scope, d.kind
  limit 1;
$$;

-- Changes of a decision as the policies let them begin. FW026: one of them is forbidden.
create function foreword_code.under_policies(p_changes jsonb) returns jsonb
language plpgsql as $$
declare
  protected text;
  because text;
begin
  if not exists (select from foreword_private.policy p where p.position > 0) then
    return p_changes;
  end if;
  select c.kind || '/' || c.name
  into protected
  from jsonb_to_recordset(p_changes) as c (scope text, kind text, name text, verb text, position integer)
  where
    c.verb = 'delete'
    and exists (
      select
      from foreword_private.policy p
      where
        p.position > 0
        and p.prevent_destroy
        and foreword_code.glob_matches(p.scope, c.scope)
        and foreword_code.glob_matches(p.kind, c.kind)
        and foreword_code.glob_matches(p.name, c.name)
    )
  order by c.position
  limit 1;
  if protected is not null then
    raise exception '% is protected by prevent_destroy', protected
      using errcode = 'FW026', hint = 'lift the policy';
  end if;
  because := foreword_code.deletes_over_limit(p_changes);
  return (
    select
      jsonb_agg(
        case
          when c.change ->> 'verb' = 'delete' and because is not null
            then c.change || jsonb_build_object('initial', 'awaiting_approval', 'reason', because)
          when
            exists (
              select
              from foreword_private.policy p
              where
                p.position > 0
                and c.change ->> 'verb' = any (p.approve)
                and foreword_code.glob_matches(p.scope, c.change ->> 'scope')
                and foreword_code.glob_matches(p.kind, c.change ->> 'kind')
                and foreword_code.glob_matches(p.name, c.change ->> 'name')
            )
            then c.change || jsonb_build_object('initial', 'awaiting_approval')
          else c.change
        end
        order by c.at
      )
    from jsonb_array_elements(p_changes) with ordinality as c (change, at)
  );
end
$$;

-- How many of these kinds are there, for who decides elsewhere and asks outside of his decision: [{scope, kind}].
create function foreword_code.count_kinds(p_kinds jsonb) returns table (scope text, kind text, count bigint)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    k.scope,
    k.kind,
    (
      select count(*)
      from foreword_private.member m
      where m.key = foreword_code.member_key(k.scope, k.kind, '', '')
    )
  from jsonb_to_recordset(p_kinds) as k (scope text, kind text);
$$;
