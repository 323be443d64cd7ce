-- Notes what the answers of a process's calls say about their accounts. p_notes: [{account, kinds, scope,
-- throttled_ms, strained, broken, failed, well, why}], where `broken` means that so many calls of different
-- intents have failed in a row that the circuit opens, and `strained` that some of the last calls failed.
-- Returns the accounts of these that are not well.
create function foreword_code.note_answers(p_notes jsonb) returns setof text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  circuit_first_ms constant integer := 1000;
  circuit_longest_ms constant integer := 60000;
  circuit_successes constant integer := 20;
  strain constant interval := '10 seconds';
  note record;
  noted_at timestamptz;
  jitter interval;
begin
  for note in
    select n.*
    from jsonb_to_recordset(p_notes) as n (
      account text,
      kinds text[],
      scope text,
      throttled_ms integer,
      strained boolean,
      broken boolean,
      failed integer,
      well integer,
      why text
    )
    order by n.account
  loop
    if note.throttled_ms is not null or note.strained or note.broken then
      insert into foreword_private.budget (account, kinds, scope)
      values (note.account, note.kinds, note.scope)
      on conflict do nothing;
    end if;
    perform from foreword_private.budget b where b.account = note.account for update;
    continue when not found;
    noted_at := clock_timestamp();
    jitter := (0.5 + random() / 2) * interval '1 ms';

    update foreword_private.budget b
    set
      kinds = case
        when b.kinds @> note.kinds then b.kinds
        else array(select distinct unnest(b.kinds || note.kinds) order by 1)
      end,
      why = coalesce(note.why, b.why),
      -- Whoever asks to be left alone has no calls to give: the bucket is empty, and fills from then on.
      paused_until = greatest(b.paused_until, noted_at + note.throttled_ms * interval '1 ms'),
      tokens = case when note.throttled_ms is null then b.tokens else 0 end,
      refilled_at = case
        when note.throttled_ms is null then b.refilled_at
        else greatest(b.paused_until, noted_at + note.throttled_ms * interval '1 ms')
      end,
      strained_until = case when note.strained then noted_at + strain else b.strained_until end,
      retry_tokens = case
        when note.strained and (b.strained_until > noted_at) is not true then 3
        else b.retry_tokens
      end,
      retries_refilled_at = case
        when note.strained and (b.strained_until > noted_at) is not true then noted_at
        else b.retries_refilled_at
      end
    where b.account = note.account;

    -- The only probe failed: the next one comes after twice as long. (What else fails was under way before.)
    update foreword_private.budget b
    set
      interval_ms = least(circuit_longest_ms, b.interval_ms * 2),
      probe_at = noted_at + least(circuit_longest_ms, b.interval_ms * 2) * jitter,
      probes = 0,
      probing = false
    where
      b.account = note.account
      and b.opened_at is not null
      and b.successes = 0
      and b.probing
      and note.failed > 0
      and note.well = 0;

    update foreword_private.budget b
    set
      opened_at = noted_at,
      interval_ms = circuit_first_ms,
      probe_at = noted_at + circuit_first_ms * jitter,
      probes = 0,
      probing = false,
      successes = 0
    where
      b.account = note.account and (b.opened_at is null or b.successes > 0) and note.broken;

    -- Each call that went well allows two more, so that an API that is coming back is not met by all at once;
    -- one that failed in between allows another in its place, until so many fail in a row that it opens again.
    update foreword_private.budget b
    set
      successes = b.successes + note.well,
      probes = b.probes + 2 * note.well + note.failed,
      probing = true,
      interval_ms = circuit_first_ms,
      probe_at = noted_at + circuit_first_ms * jitter
    where
      b.account = note.account
      and b.opened_at is not null
      and (note.well > 0 or b.successes > 0)
      and not note.broken;
    update foreword_private.budget b
    set
      opened_at = null,
      strained_until = null,
      probe_at = null,
      probes = 0,
      probing = false,
      why = null
    where
      b.account = note.account and b.opened_at is not null and b.successes >= circuit_successes;
  end loop;

  return query
  select b.account
  from foreword_private.budget b
  where
    b.account in (select n.account from jsonb_to_recordset(p_notes) as n (account text))
    and foreword_code.budget_health(b, clock_timestamp()) <> 'well';
end
$$;
