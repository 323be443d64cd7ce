-- What the rulings of persons share. They move an intent at any isolation level, since deciders never read
-- how it stands. What takes its version back changes what deciders read: in a SERIALIZABLE transaction that
-- is done at once, else by the worker that finds the intent next, as after a no of the API.

-- The intent that a person rules on, its row locked. Whoever looks it up or calls for it holds a lease, and
-- goes first: a ruling that lost this race is refused whole.
create function foreword_code.intent_to_rule(p_intent bigint, p_by text, p_note text)
returns foreword_private.entry
language plpgsql as $$
declare
  intent foreword_private.entry;
begin
  if p_by is null or length(p_by) not between 1 and 512 or p_by ~ '[[:cntrl:]\u0080-\u009f]' then
    raise exception 'a ruling needs to say whose it is'
      using errcode = 'FW043', hint = 'Give a name of 1 to 512 characters, without control characters.';
  end if;
  if p_note is null or length(p_note) > 4000 then
    raise exception 'the note of a ruling is null, or longer than 4000 characters'
      using errcode = 'FW043', hint = 'Say in a sentence why.';
  end if;
  select e.* into intent
  from foreword_private.entry e
  where e.id = p_intent and e.cause = 'intent'
  for update;
  if not found then
    raise exception 'there is no intent %', coalesce(p_intent::text, 'null')
      using errcode = 'FW040', hint = 'See foreword.doubt and foreword.intent.';
  end if;
  if intent.settled_at is not null then
    raise exception 'intent % is settled: it is %', p_intent, replace(intent.state, '_', ' ')
      using errcode = 'FW041', hint = format('Nothing waits for a ruling. See: foreword why %s', p_intent);
  end if;
  if intent.worker is not null then
    raise exception 'worker % has intent % in hand', intent.worker, p_intent
      using errcode = 'FW042', hint = 'Look again in a moment: it may have settled the matter by then.';
  end if;
  return intent;
end
$$;

-- Moves the intent, and keeps who ruled so and why. The epoch grows, as with every claim: what somebody
-- learns under an older lease moves it no more.
create function foreword_code.rule(
  p_intent foreword_private.entry,
  p_ruling text,
  p_by text,
  p_note text,
  p_state text,
  p_external_id text default null
) returns void
language plpgsql as $$
begin
  insert into foreword_private.ruling (
    entry, ruling, ruled_by, note, state_before, reason_before, attempts, external_id
  )
  values (
    p_intent.id,
    p_ruling,
    p_by,
    p_note,
    p_intent.state,
    p_intent.reason,
    p_intent.attempts,
    p_external_id
  );
  update foreword_private.entry e
  set
    state = p_state,
    epoch = e.epoch + 1,
    looks = 0,
    waits_for = null,
    reason = foreword_code.tell_ruling(p_ruling, p_by, p_note),
    due_at = case when p_state <> 'confirmed' then clock_timestamp() end,
    applied_at = case when p_state in ('applied', 'confirmed') then clock_timestamp() end,
    settled_at = case when p_state = 'confirmed' then clock_timestamp() end
  where e.resource = p_intent.resource and e.version = p_intent.version;
  if p_state = 'confirmed' then
    perform foreword_code.let_go(array[p_intent.id]);
  end if;
end
$$;

create function foreword_code.tell_ruling(p_ruling text, p_by text, p_note text) returns text
language sql immutable parallel safe
return format(
  '%s by %s%s',
  case p_ruling
    when 'happened' then 'ruled that it happened'
    when 'did_not_happen' then 'ruled that it did not happen'
    when 'retry' then 'ruled to be tried again'
    when 'abandon' then 'abandoned'
    when 'approve' then 'approved'
    when 'cancel' then 'cancelled'
  end,
  p_by,
  case when p_note <> '' then ': ' || p_note end
);

-- Takes the version of an abandoned or cancelled intent back: now where that may be done, else by a worker
-- (a rejected intent is one whose version must be taken back). Returns how it stands.
create function foreword_code.take_back_ruled(p_intent foreword_private.entry) returns text
language plpgsql as $$
begin
  if current_setting('transaction_isolation') = 'serializable' then
    perform foreword_code.withdraw(
      gen_random_uuid(),
      array[p_intent.id],
      jsonb_build_object('scope', p_intent.scope, 'decider_version', 1)
    );
  end if;
  return (
    select e.state
    from foreword_private.entry e
    where e.resource = p_intent.resource and e.version = p_intent.version
  );
end
$$;

-- What is known of the calls of an intent before one of them, when that one ends: null, none of them can
-- have had an effect. Else the newest that may have is `open`, or `did_not_happen` or `retry` was ruled since.
create function foreword_code.earlier_doubt(p_entry bigint, p_number integer) returns text
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select r.ruling
      from foreword_private.ruling r
      where
        r.entry = p_entry
        and r.attempts >= a.number
        and r.ruling in ('did_not_happen', 'retry')
      order by r.id desc
      limit 1
    ),
    'open'
  )
  from foreword_private.attempt a
  where a.entry = p_entry and a.number < p_number and a.outcome is distinct from 'rejected'
  order by a.number desc
  limit 1;
$$;
