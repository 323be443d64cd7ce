-- Gives back what a resource consumed, once its deletion was seen. Does nothing when the resource is
-- to be made again: its counters moved with that decision, and go with its own end. Idempotent.
create function foreword_code.release(p_resource uuid, p_version bigint) returns void
language sql as $$
  with released as (
    select r.scope, s.counters
    from foreword_private.resource_state s
    join foreword_private.resource r on r.id = s.resource
    where
      s.resource = p_resource
      and s.assumed is null
      and not exists (
        select
        from foreword_private.entry e
        where e.resource = p_resource and e.version > p_version and e.settled_at is null
      )
  ),
  given_back as (
    update foreword_private.quota q
    set
      consumed = q.consumed - c.value::bigint,
      version = q.version + 1
    from released r
    cross join lateral jsonb_each_text(r.counters) c
    where q.scope = r.scope and q.metric = c.key
  )
  update foreword_private.resource_state s
  set counters = '{}'
  from released r
  where s.resource = p_resource and r.counters <> '{}';
$$;
