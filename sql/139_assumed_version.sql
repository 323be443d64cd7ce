-- One version of a resource, as the functions that look back tell it.
create function foreword_code.assumed_version(p_resource uuid, p_version bigint)
returns table (
  version bigint,
  state jsonb,
  labels jsonb,
  counters jsonb,
  decided_at timestamptz,
  decision_id uuid,
  cause text,
  intent_id bigint,
  intent_state text,
  settled_at timestamptz
)
language sql stable
rows 1
as $$
  select
    e.version,
    e.assumed,
    e.labels,
    e.counters,
    d.decided_at,
    e.decision,
    e.cause,
    case when e.cause = 'intent' then e.id end,
    case when e.cause = 'intent' then e.state end,
    e.settled_at
  from foreword_private.entry e
  join foreword_private.decision d on d.id = e.decision
  where e.resource = p_resource and e.version = p_version;
$$;

create function foreword_code.check_time(p_at timestamptz) returns void
language plpgsql as $$
begin
  if p_at is null then
    raise exception 'the time is null'
      using errcode = 'FW028', hint = 'Give the time to look back to, like now() - interval ''1 hour''.';
  end if;
end
$$;
