-- Sagas (Garcia-Molina, Salem): what has been begun of decisions that are all_or_compensate, some of whose
-- intents have just been taken back (p_doomed), is undone by intents of a decision of its own. It is decided
-- from what is assumed now, in the transaction that takes back: nobody sees half of the decision standing. In
-- reverse order: what came after another is undone before it. Like every later version of a resource an undoing
-- waits until the one before it is through, so a call whose outcome is not known yet is waited for, and
-- should it turn out not to have happened, its undoing is taken back with it.
-- What somebody has moved on since, and an undoing that was rejected, wait for a person's approval: he may
-- cancel them, and then they are not decided again.
create function foreword_code.compensate(p_doomed bigint[], p_because text) returns void
language plpgsql as $$
declare
  saga record;
  changes jsonb;
begin
  for saga in
    select d.id, d.scope, d.decider, gen_random_uuid() as undoing
    from foreword_private.decision d
    where
      d.compensation = 'all_or_compensate'
      and d.id in (
        select e.decision
        from foreword_private.entry e
        where e.id = any (p_doomed)
        union
        select (u.input ->> 'compensates')::uuid
        from foreword_private.entry e
        join foreword_private.decision u on u.id = e.decision
        where e.id = any (p_doomed) and u.decider = 'foreword/compensate'
      )
    order by d.decided_at, d.id
  loop
    with undone as (
      select
        e.resource,
        e.scope,
        e.kind,
        r.name,
        e.after_resources,
        s.version,
        p.assumed as state,
        p.labels,
        coalesce(p.counters, '{}') as counters,
        case
          when p.assumed is null then 'delete'
          when s.assumed is null then 'create'
          else 'update'
        end as verb,
        l.version > e.version or coalesce(u.state = 'rejected', false) as waits
      from foreword_private.entry e
      join foreword_private.resource r on r.id = e.resource
      join foreword_private.resource_state s on s.resource = e.resource
      left join foreword_private.entry p on p.resource = e.resource and p.version = e.version - 1
      -- The last version that stands, whoever made it.
      cross join lateral (
        select max(l.version) as version
        from foreword_private.entry l
        where
          l.resource = e.resource
          and l.cause in ('intent', 'observation')
          and not foreword_code.is_withdrawn(l.cause, l.state)
      ) l
      -- The last undoing of this entry.
      left join lateral (
        select u.state, u.settled_at
        from foreword_private.entry u
        join foreword_private.decision x on x.id = u.decision
        where
          u.resource = e.resource
          and u.version > e.version
          and u.cause = 'intent'
          and x.decider = 'foreword/compensate'
          and x.input ->> 'compensates' = saga.id::text
        order by u.version desc
        limit 1
      ) u on true
      where
        e.decision = saga.id
        and e.cause = 'intent'
        and not foreword_code.is_withdrawn(e.cause, e.state)
        and coalesce(u.state in ('stale', 'rejected'), true)
        and not (p.assumed is null and s.assumed is null)
        and (p.assumed is distinct from s.assumed or coalesce(p.labels, '{}') <> s.labels)
    )
    select
      jsonb_agg(
        jsonb_build_object(
          'decision', saga.undoing,
          'cause', 'intent',
          'resource', u.resource,
          'scope', u.scope,
          'kind', u.kind,
          'name', u.name,
          'verb', u.verb,
          'state', u.state,
          'labels', case when u.verb <> 'delete' then u.labels end,
          -- What is going consumes as before, until it is gone.
          'counters', case when u.verb <> 'delete' then u.counters end,
          'initial', case when u.waits then 'awaiting_approval' else 'pending' end,
          'undoes', true,
          'after_resources', a.resources,
          'after_versions', a.versions
        )
        order by u.resource
      )
    into changes
    from undone u
    cross join lateral (
      select
        coalesce(jsonb_agg(o.resource), '[]') as resources,
        coalesce(jsonb_agg(o.version + 1), '[]') as versions
      from undone o
      where u.resource = any (o.after_resources)
    ) a;

    if changes is not null then
      perform foreword_code.record(
        jsonb_build_array(
          jsonb_build_object(
            'id', saga.undoing,
            'scope', saga.scope,
            'decider', 'foreword/compensate',
            'decider_version', 1,
            'actor', 'foreword',
            'reason', format('%s is all or nothing: %s', saga.decider, p_because),
            'input', jsonb_build_object('compensates', saga.id),
            'apart', true,
            'undoes', true,
            'premise_resources', jsonb_path_query_array(changes, '$[*].resource'),
            'premise_versions', (
              select jsonb_agg(s.version order by s.resource)
              from foreword_private.resource_state s
              where
                s.resource = any (
                  array(select (c ->> 'resource')::uuid from jsonb_array_elements(changes) c)
                )
            )
          )
        ),
        changes
      );
    end if;
  end loop;
end
$$;
