-- Every intent and where it stands.
-- (`statement_timestamp`: a view that asks a clock that runs on is read as a whole by whoever joins it by key.)
create view foreword.intent as
select
  e.id,
  e.scope,
  e.kind,
  r.name,
  e.verb,
  e.version,
  e.state,
  case
    when p.scope is not null
      then
        concat_ws(
          '; ',
          e.reason,
          format(
            'scope %s is paused by %s%s',
            p.scope,
            p.paused_by,
            case when p.note <> '' then ': ' || p.note end
          )
        )
    when e.state = 'pending' and e.held_until > statement_timestamp()
      then
        concat_ws(
          '; ',
          e.reason,
          format(
            'outside of its maintenance window, which opens at %s UTC',
            to_char(e.held_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
          )
        )
    when e.settled_at is null and e.due_at <= statement_timestamp() and e.state <> 'applying'
      then
        nullif(
          concat_ws(
            '; ',
            e.reason,
            coalesce(
              case
                when e.kind <> all ((select foreword_code.live_kinds())::text[])
                  then format('no worker that lives provides kind %s', e.kind)
              end,
              (
                select
                  case b.health
                    when 'open' then
                      format('account %s: its calls fail (%s), one is tried at %s', b.account, b.reason, b.until)
                    when 'half_open' then format('account %s: it is coming back, a few calls at a time', b.account)
                    when 'throttled' then format('account %s: it asks to be left alone until %s', b.account, b.until)
                    when 'strained' then format('account %s: some of its calls fail (%s)', b.account, b.reason)
                    else format('account %s: %s calls per second', b.account, b.per_second)
                  end
                from foreword.budget b
                where
                  e.kind = any (b.kinds)
                  and (b.scope is null or b.scope = e.scope)
                  and (b.health <> 'well' or b.tokens < 1)
                order by b.health = 'well'
                limit 1
              )
            )
          ),
          ''
        )
    else e.reason
  end as reason,
  e.decision as decision_id,
  e.attempts,
  e.due_at,
  case
    when e.state = 'pending'
      then coalesce(
        e.waits_for,
        (select d.waits_for from foreword_private.decision d where d.id = e.decision)
      )
  end as waits_for,
  e.recorded_at as decided_at,
  e.applied_at,
  e.settled_at,
  coalesce(
    e.worker,
    (
      select a.worker
      from foreword_private.attempt a
      where a.entry = e.id and a.number = e.attempts
    )
  ) as worker,
  e.assumed as state_after,
  p.scope is not null as paused,
  case
    when e.verb not in ('create', 'update', 'delete') then (
      select g.args
      from foreword_private.argument g
      where g.resource = e.resource and g.version = e.version
    )
  end as args
from foreword_private.entry e
join foreword_private.resource r on r.id = e.resource
left join foreword_private.pause p
  on p.scope = e.scope and p.resumed_at is null and e.state = 'pending'
where e.cause = 'intent';

comment on view foreword.intent is 'Every external effect that was decided, and where it stands.';
comment on column foreword.intent.id is 'Its number, as `foreword why` takes it.';
comment on column foreword.intent.scope is 'Tenant or account.';
comment on column foreword.intent.kind is 'Kind of resource.';
comment on column foreword.intent.name is 'Name of the resource.';
comment on column foreword.intent.verb is 'create, update, delete, or one of the provider''s own.';
comment on column foreword.intent.version is 'Version of the resource that it makes; given to the API as generation.';
comment on column foreword.intent.state is 'awaiting_approval, pending, applying, accepted, applied, confirmed, rejected, in_doubt, stale or cancelled.';
comment on column foreword.intent.reason is 'Why it is in that state, and what its account, a pause of its scope, a maintenance window, or the lack of a worker for its kind makes it wait for; null where nothing is to be said.';
comment on column foreword.intent.decision_id is 'The decision that wrote it.';
comment on column foreword.intent.attempts is 'External calls begun so far.';
comment on column foreword.intent.due_at is 'When somebody looks at it next; null: never by itself (settled, or waiting for a person, for another intent or for its scope to be resumed).';
comment on column foreword.intent.waits_for is 'The intent that must be through before this one is attempted, as far as it was looked for; there may be others after it.';
comment on column foreword.intent.decided_at is 'When it was decided.';
comment on column foreword.intent.applied_at is 'When the API answered that it is done.';
comment on column foreword.intent.settled_at is 'When no more work was owed; null: open.';
comment on column foreword.intent.worker is 'Worker that has it now, or had it last.';
comment on column foreword.intent.state_after is 'Assumed state of the resource after it; null: absent.';
comment on column foreword.intent.paused is 'True while it waits for its scope to be resumed: see foreword.scope.';
comment on column foreword.intent.args is 'What a provider''s own verb is called with; null: with nothing.';
