-- Writes one decision with one intent that changes the state of something that is there, and nothing else:
-- the everyday case of a decision that shares its transaction with nobody. The same laws as
-- foreword_code.record, which writes everything else, in three statements of one row each: a third of the
-- time there went into setting up plans for sets. The decision's row first, which guards its id against a
-- tombstone. Returns {decision, id, resource, version} of the entry.
create function foreword_code.record_one(
  p_id uuid,
  p_scope text,
  p_decider text,
  p_decider_version integer,
  p_actor text,
  p_reason text,
  p_input jsonb,
  p_tries integer,
  p_saw_at timestamptz,
  p_premise_resources uuid[],
  p_premise_versions bigint[],
  p_predicates jsonb,
  p_counters jsonb,
  p_resource uuid,
  p_resource_scope text,
  p_kind text,
  p_name text,
  p_verb text,
  p_state jsonb,
  p_waits boolean
) returns json
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  moved record;
  entry_id bigint;
  relied_on bigint;
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception 'a decision needs a SERIALIZABLE transaction, this one is %',
      upper(current_setting('transaction_isolation'))
      using errcode = 'FW001', hint = 'Begin with: begin isolation level serializable';
  end if;

  if
    foreword_code.odd_premises(p_premise_resources, p_premise_versions)
    or foreword_code.odd_predicates(p_predicates)
    or foreword_code.odd_counters(p_counters)
  then
    perform foreword_code.refuse_premises();
  end if;

  insert into foreword_private.decision (
    id,
    scope,
    decider,
    decider_version,
    actor,
    reason,
    input,
    tries,
    saw_at,
    premise_resources,
    premise_versions,
    premise_predicates,
    premise_counters,
    snapshot,
    xid,
    scope_version
  )
  values (
    p_id,
    p_scope,
    p_decider,
    p_decider_version,
    p_actor,
    p_reason,
    p_input,
    p_tries,
    p_saw_at,
    p_premise_resources,
    p_premise_versions,
    p_predicates,
    p_counters,
    foreword_code.log_snapshot(),
    foreword_code.log_xid(),
    coalesce((select s.version from foreword_private.scope s where s.scope = p_scope), 0)
  )
  returning scope_version into relied_on;
  if p_resource_scope <> p_scope and relied_on % 2 = 0 then
    relied_on := (select s.version from foreword_private.scope s where s.scope = p_resource_scope);
  end if;
  if relied_on % 2 = 1 then
    perform foreword_code.refuse_paused(array[p_scope, p_resource_scope]);
  end if;

  update foreword_private.resource_state s
  set
    version = s.version + 1,
    assumed = p_state,
    decision = p_id
  where
    s.resource = p_resource
    and s.assumed is not null
    and p_state is not null
    and p_verb not in ('create', 'delete')
  returning s.version, s.labels, s.counters into moved;
  if moved.version is null then
    perform foreword_code.refuse_changes(
      jsonb_build_array(
        jsonb_build_object(
          'decision', p_id,
          'resource', p_resource,
          'kind', p_kind,
          'name', p_name,
          'verb', p_verb
        )
      )
    );
  end if;

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
    state,
    due_at
  )
  values (
    p_resource,
    moved.version,
    p_resource_scope,
    p_kind,
    p_id,
    'intent',
    p_verb,
    p_state,
    moved.labels,
    moved.counters,
    case when p_waits then 'awaiting_approval' else 'pending' end,
    case when not p_waits then clock_timestamp() end
  )
  returning id into entry_id;

  return json_build_object(
    'decision', p_id,
    'id', entry_id,
    'resource', p_resource,
    'version', moved.version
  );
end
$$;
