-- Refuses changes of one decision that need each other in a circle: each would wait for the next, for ever.
-- Mostly what is needed is intended first, and then there is no circle.
create function foreword_code.refuse_circles(p_changes jsonb) returns void
language plpgsql as $$
declare
  sources uuid[];
  targets uuid[];
  open uuid[];
  kept uuid[];
  forward boolean;
begin
  select
    array_agg(c.resource),
    array_agg(n.resource),
    bool_and(n.position < c.position)
  into sources, targets, forward
  from jsonb_to_recordset(p_changes) as c (resource uuid, needs jsonb, position bigint)
  cross join lateral jsonb_array_elements_text(
    case when jsonb_typeof(c.needs) = 'array' then c.needs else '[]' end
  ) w
  join jsonb_to_recordset(p_changes) as n (resource uuid, position bigint) on n.resource = w::uuid;
  if coalesce(forward, true) then
    return;
  end if;

  -- Takes away whoever needs nobody that is left, until all are gone or the rest hold each other.
  open := array(select distinct s from unnest(sources) s);
  loop
    kept := array(
      select distinct e.source
      from unnest(sources, targets) as e (source, target)
      where e.source = any (open) and e.target = any (open)
    );
    exit when cardinality(kept) = cardinality(open);
    open := kept;
  end loop;
  if cardinality(open) > 0 then
    raise exception 'intents need each other in a circle, among them %', (
      select string_agg(k.name, ', ' order by k.name)
      from (
        select c.kind || '/' || c.name as name
        from jsonb_to_recordset(p_changes) as c (resource uuid, kind text, name text)
        where c.resource = any (open)
        order by 1
        limit 5
      ) k
    )
      using errcode = 'FW033', hint = 'Each would wait for the next: leave out one of the needs.';
  end if;
end
$$;
