-- What is wanted, assumed and observed of each resource, in one row.
-- (Whoever joins a view by key reads it as a whole where it asks a clock that runs on, `clock_timestamp`, or where
-- it joins so much that with one more the planner keeps its order: `join_collapse_limit`, 8.)
create view foreword.resource as
select
  r.scope,
  r.kind,
  r.name,
  case when s.assumed is null then coalesce(d.labels, '{}') else s.labels end as labels,
  s.version,
  d.spec as desired,
  s.assumed,
  o.observed,
  o.observed_at,
  o.external_id,
  coalesce(o.outputs, '{}') as outputs,
  open.id is null
    and drift.paths is null
    and (
      d.resource is null
      or d.spec is not distinct from s.assumed
      or (
        d.lifecycle ? 'ignore'
        and foreword_code.without_paths(d.spec, d.lifecycle -> 'ignore')
          is not distinct from foreword_code.without_paths(s.assumed, d.lifecycle -> 'ignore')
      )
    ) as in_sync,
  case
    when open.id is not null then open.state
    when drift.paths is not null then 'drifted'
    when last.state = 'rejected' then 'rejected'
    when s.assumed is null then 'absent'
    else coalesce(o.condition, 'ready')
  end as condition,
  case
    when open.id is not null then
      nullif(
        concat_ws(
          '; ',
          open.reason,
          coalesce(
            case
              when open.state = 'pending' then (
                select
                  format(
                    'scope %s is paused by %s%s',
                    p.scope,
                    p.paused_by,
                    case when p.note <> '' then ': ' || p.note end
                  )
                from foreword_private.pause p
                where p.scope = r.scope and p.resumed_at is null
              )
            end,
            case
              when open.state = 'pending' and open.held_until > statement_timestamp()
                then format(
                  'outside of its maintenance window, which opens at %s UTC',
                  to_char(open.held_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                )
            end,
            case
              when
                open.due_at <= statement_timestamp()
                and open.state <> 'applying'
                and r.kind <> all ((select foreword_code.live_kinds())::text[])
                then format('no worker that lives provides kind %s', r.kind)
            end
          )
        ),
        ''
      )
    -- The empty path is all of it.
    when drift.paths = '' then 'is gone'
    when drift.paths = '#id'
      then format(
        'another one of its name is there: take it over with foreword import %s %s, or lifecycle.adopt', r.kind, r.name
      )
    when drift.paths is not null then 'differs at ' || drift.paths
    when last.state = 'rejected' then last.reason
  end as reason,
  coalesce(
    case when open.id is not null then coalesce(open.applied_at, open.recorded_at) end,
    drift.since,
    last.settled_at,
    r.first_named_at
  ) as since,
  d.stack,
  d.generation,
  case
    when d.spec is not distinct from s.assumed then d.generation
    else d.acted_generation
  end as converged_generation,
  d.lifecycle
from foreword_private.resource r
join foreword_private.resource_state s on s.resource = r.id
left join foreword_private.desired d on d.resource = r.id and d.ended_at is null
left join foreword_private.observation o on o.resource = r.id
left join lateral (
  select e.id, e.state, e.reason, e.applied_at, e.recorded_at, e.held_until, e.due_at
  from foreword_private.entry e
  where e.resource = r.id and e.settled_at is null
  order by e.version
  limit 1
) open on true
left join lateral (
  select e.state, e.reason, e.settled_at
  from foreword_private.entry e
  where e.resource = r.id and e.cause = 'intent'
  order by e.version desc
  limit 1
) last on true
left join lateral (
  select
    string_agg(x.path, ', ' order by x.path) as paths,
    min(x.since) as since
  from foreword_private.drift x
  where x.resource = r.id and x.resolved_at is null
) drift on true
where s.version > 0 or d.resource is not null;

comment on view foreword.resource is 'Every resource: what its owner asks for, what deciders assume, what the provider last showed.';
comment on column foreword.resource.scope is 'Tenant or account.';
comment on column foreword.resource.kind is 'Kind of resource; its provider carries intents out.';
comment on column foreword.resource.name is 'Name, unique within scope and kind.';
comment on column foreword.resource.labels is 'Labels that find() reads.';
comment on column foreword.resource.version is 'Versions written so far; 0: wanted, but nothing decided yet.';
comment on column foreword.resource.desired is 'State its owner asks for; null: not asked for, or asked to be gone.';
comment on column foreword.resource.assumed is 'State that deciders assume: last known facts overlaid with all unsettled intents; null: absent.';
comment on column foreword.resource.observed is 'State that the provider last showed; null: never looked, or seen absent.';
comment on column foreword.resource.observed_at is 'When the provider was last looked at.';
comment on column foreword.resource.external_id is 'The id that the provider''s API gave it.';
comment on column foreword.resource.outputs is 'What the provider''s API returned besides the state: addresses, ids of parts.';
comment on column foreword.resource.in_sync is 'True when nothing is under way, what is wanted is what is assumed, and the last look showed just that.';
comment on column foreword.resource.condition is 'One word: the state of its oldest unsettled intent, or drifted, rejected, absent, pending, failed, ready.';
comment on column foreword.resource.reason is 'Why it is in that condition; null where nothing is to be said.';
comment on column foreword.resource.since is 'Since when.';
comment on column foreword.resource.stack is 'Who asks for it; null: nobody ever did.';
comment on column foreword.resource.generation is 'How often its owner has changed what he asks for, the first time included.';
comment on column foreword.resource.converged_generation is 'The generation that was last decided for; less than `generation`: the next converge has something to decide.';
comment on column foreword.resource.lifecycle is 'What its owner says of how it may change: prevent_destroy, ignore, replace_on, create_before_destroy, adopt.';
