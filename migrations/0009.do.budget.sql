-- A budget is an account's, whatever kinds share it and whether it is one scope's or all of them's. The
-- table of 0003 was never written to.
-- squawk-ignore ban-drop-table
drop table foreword_private.budget;

-- What an account may take now. No row: no limit is known, and nothing was wrong. Every claim that takes
-- from it writes its row, so there is no index but the key, and room on the page for the next version.
create table foreword_private.budget (
  account text primary key,
  kinds text[] not null default '{}',
  -- Null: all scopes share it.
  scope text,
  -- Null: any number of calls.
  per_second double precision,
  burst integer,
  tokens double precision not null default 0,
  refilled_at timestamptz not null default clock_timestamp(),
  -- The API has asked to be left alone until then.
  paused_until timestamptz,
  -- Until then calls that are made again, and looks for lost answers, take from their own small share.
  strained_until timestamptz,
  retry_tokens double precision not null default 0,
  retries_refilled_at timestamptz not null default clock_timestamp(),
  -- Null: the circuit is closed, all is well. Else calls are probes, so many until their answers are known.
  opened_at timestamptz,
  interval_ms integer not null default 0,
  probe_at timestamptz,
  probes integer not null default 0,
  probing boolean not null default false,
  successes integer not null default 0,
  -- What the last call that failed said.
  why text,
  -- Searching past the due work of an account that has nothing left is put off until then.
  look_past_at timestamptz
) with (fillfactor = 50);
