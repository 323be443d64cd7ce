-- Writes whole decisions: their rows first, which guard their ids against tombstones, then the moves of
-- resources to their next versions and the entries that say so. The one place where the assumed state
-- changes. Set-based: any number of decisions is a few statements, one flight with COMMIT. Errors are of
-- class FW; a 40001 means that somebody else was first.
-- p_decisions: [{id, scope, decider, decider_version, actor, reason, input, tries, saw_at,
--   premise_resources, premise_versions, predicates, counters, compensation, apart, instead_of, thought, facts,
--   undoes, traceparent}];
--   facts: it says what was seen or taken back, calls nothing, and so needs no certificate. For the owner and
--   appliers only, as is any cause but `intent`; operators may say what was ruled. undoes: it undoes what was begun,
--   and is decided in a paused scope too (its calls wait): for whoever may take back.
-- p_changes: [{decision, cause, resource, scope, kind, name, verb, state, labels, counters, needs, initial,
--   position, undoes, reason, args}], in the order in which their rows are locked; position: in which their entries are
--   numbered; labels or counters null: as before; reason: why it awaits approval. A delete keeps its counters until the
--   deletion is confirmed. A `replace` is two versions, a `rename` one of each of two resources: see 035.
-- p_acted: [{resource, generation}] of the desired state that was acted on.
-- p_plain: no change creates, deletes, labels, counts or needs, and none is a fact or decided again: the everyday case, which
--   then pays for none of that.
create function foreword_code.record(
  p_decisions jsonb,
  p_changes jsonb,
  p_acted jsonb default null,
  p_plain boolean default false
) returns table (decision uuid, id bigint, resource uuid, version bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  moved_count integer;
  paused_count integer;
  replaced jsonb;
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception 'a decision needs a SERIALIZABLE transaction, this one is %',
      upper(current_setting('transaction_isolation'))
      using errcode = 'FW001', hint = 'Begin with: begin isolation level serializable';
  end if;

  -- Of the owner's own sessions it is known: a scan more for each group, for those alone who may only decide.
  if not pg_has_role(session_user, current_user, 'member') then
    perform foreword_code.refuse_premises()
    from jsonb_to_recordset(p_decisions) as d (
      premise_resources uuid[],
      premise_versions bigint[],
      predicates jsonb,
      counters jsonb
    )
    where
      foreword_code.odd_premises(d.premise_resources, d.premise_versions)
      or foreword_code.odd_predicates(d.predicates)
      or foreword_code.odd_counters(d.counters);
  end if;

  if not p_plain and p_changes @? '$[*] ? (@.verb == "delete" || @.verb == "replace" || @.verb == "rename")' then
    perform foreword_code.refuse_protected(p_decisions, p_changes);
    if p_changes @? '$[*] ? (@.verb == "replace" || @.verb == "rename")' then
      replaced := foreword_code.replace_first(p_changes);
      p_changes := replaced -> 'changes';
    end if;
  end if;

  if not p_plain and p_changes @? '$[*].needs[*] ? (@ != null)' then
    p_decisions := foreword_code.premise_needs(p_decisions, p_changes);
    p_changes := foreword_code.place_after(p_changes);
  end if;

  -- Must fail where the id is taken, never pass over it: a transaction whose client has given it up
  -- meets its own tombstone here (store/tombstone.ts), and cannot commit any more.
  with written as (
    insert into foreword_private.decision (
      id,
      scope,
      decider,
      decider_version,
      actor,
      reason,
      input,
      thought,
      tries,
      saw_at,
      premise_resources,
      premise_versions,
      premise_predicates,
      premise_counters,
      snapshot,
      xid,
      certified_at,
      compensation,
      apart,
      unplaced,
      traceparent,
      scope_version
    )
    select
      d.id,
      d.scope,
      d.decider,
      coalesce(d.decider_version, 0),
      coalesce(d.actor, ''),
      coalesce(d.reason, ''),
      d.input,
      d.thought,
      coalesce(d.tries, 1),
      d.saw_at,
      coalesce(d.premise_resources, '{}'),
      coalesce(d.premise_versions, '{}'),
      coalesce(d.predicates, '[]'),
      coalesce(d.counters, '[]'),
      foreword_code.log_snapshot(),
      foreword_code.log_xid(),
      case when d.facts and not p_plain then clock_timestamp() end,
      case when d.compensation in ('halt', 'all_or_compensate') then d.compensation else 'keep_going' end,
      coalesce(d.apart, false),
      d.facts is not true or p_plain,
      d.traceparent,
      case
        when p_plain or coalesce(d.facts, d.undoes) is not true
          -- Looked up, not joined: nobody else's row is read.
          then coalesce((select s.version from foreword_private.scope s where s.scope = d.scope), 0)
      end
    from jsonb_to_recordset(p_decisions) as d (
      id uuid,
      scope text,
      decider text,
      decider_version integer,
      actor text,
      reason text,
      input jsonb,
      thought jsonb,
      tries integer,
      saw_at timestamptz,
      premise_resources uuid[],
      premise_versions bigint[],
      predicates jsonb,
      counters jsonb,
      compensation text,
      apart boolean,
      facts boolean,
      undoes boolean,
      traceparent text
    )
    returning scope_version
  )
  select count(*) filter (where w.scope_version % 2 = 1)
  into paused_count
  from written w;
  if paused_count > 0 then
    perform foreword_code.refuse_paused(
      array(select d.scope from jsonb_to_recordset(p_decisions) as d (scope text))
    );
  end if;

  if p_acted is not null then
    perform foreword_code.mark_acted(p_acted);
  end if;
  if not p_plain then
    perform foreword_code.move_members(p_changes);
    if p_changes @? '$[*].counters ? (@.type() == "object")' then
      perform foreword_code.move_counters(p_changes);
    end if;
    if p_decisions @? '$[*].instead_of ? (@ != null)' then
      perform foreword_code.decided_again(p_decisions);
    end if;
    if foreword_code.tells_facts(p_decisions, p_changes) then
      perform foreword_code.spread_premises(
        array(
          select d.id from jsonb_to_recordset(p_decisions) as d (id uuid, facts boolean) where d.facts
        )
      );
    end if;
  end if;

  return query
  with moved as (
    update foreword_private.resource_state s
    set
      version = s.version + 1,
      assumed = c.state,
      labels = case when c.state is null then '{}' else coalesce(c.labels, s.labels) end,
      counters = coalesce(c.counters, s.counters),
      decision = c.decision
    from jsonb_to_recordset(p_changes) as c (
      decision uuid,
      cause text,
      resource uuid,
      scope text,
      kind text,
      verb text,
      state jsonb,
      labels jsonb,
      counters jsonb,
      needs jsonb,
      after_resources uuid[],
      after_versions bigint[],
      initial text,
      position integer,
      undoes boolean,
      reason text
    )
    where
      s.resource = c.resource
      -- Whichever side the plan begins with, no other row is read.
      and s.resource = any (
        array(select (change ->> 'resource')::uuid from jsonb_array_elements(p_changes) change)
      )
      -- Only what is absent can be created, only what is present be changed; what was seen is a fact.
      and (c.cause <> 'intent' or (c.verb = 'create') = (s.assumed is null))
      -- A decision may change what is of another scope than its own.
      and (
        c.cause <> 'intent'
        or (c.undoes and not p_plain)
        or coalesce((select o.version from foreword_private.scope o where o.scope = c.scope), 0) % 2 = 0
      )
      and (
        not p_plain
        or (
          c.cause = 'intent'
          and c.verb <> 'create'
          and c.state is not null
          and c.labels is null
          and c.counters is null
          and c.needs is null
        )
      )
    returning
      s.resource,
      s.version,
      s.labels,
      s.counters,
      c.decision,
      c.cause,
      c.scope,
      c.kind,
      c.verb,
      c.state,
      c.after_resources,
      c.after_versions,
      c.position,
      c.reason,
      -- Nothing else is a beginning, whoever calls.
      case
        when c.cause <> 'intent' then 'recorded'
        when c.initial = 'awaiting_approval' then 'awaiting_approval'
        else 'pending'
      end as initial
  )
  insert into foreword_private.entry (
    resource,
    version,
    scope,
    kind,
    decision,
    cause,
    verb,
    assumed,
    labels,
    counters,
    after_resources,
    after_versions,
    state,
    due_at,
    settled_at,
    reason
  )
  select
    m.resource,
    m.version,
    m.scope,
    m.kind,
    m.decision,
    m.cause,
    m.verb,
    m.state,
    m.labels,
    m.counters,
    coalesce(m.after_resources, '{}'),
    coalesce(m.after_versions, '{}'),
    m.initial,
    case when m.initial = 'pending' then clock_timestamp() end,
    case when m.initial = 'recorded' then clock_timestamp() end,
    case when m.initial = 'awaiting_approval' then m.reason end
  from moved m
  order by m.position
  returning entry.decision, entry.id, entry.resource, entry.version;

  get diagnostics moved_count = row_count;
  if moved_count <> jsonb_array_length(p_changes) then
    perform foreword_code.refuse_changes(p_changes);
  end if;
  if not p_plain and p_changes @? '$[*].args ? (@.type() != "null")' then
    insert into foreword_private.argument (resource, version, args)
    select c.resource, s.version, c.args
    from jsonb_to_recordset(p_changes) as c (resource uuid, args jsonb)
    cross join lateral (
      select s.version
      from foreword_private.resource_state s
      where s.resource = c.resource
      offset 0
    ) s
    where c.args is not null;
  end if;

  if replaced is not null then
    return query
    select e.decision, e.id, e.resource, e.version
    from jsonb_to_recordset(replaced -> 'entries')
      as e (decision uuid, id bigint, resource uuid, version bigint);
  end if;
end
$$;
