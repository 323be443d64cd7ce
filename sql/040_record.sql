-- Writes whole decisions: their rows first, which guard their ids against tombstones, then their entries. One
-- call, one flight with COMMIT. Errors are of class FW; a 40001 means that somebody else was first.
-- p_decisions: [{id, scope, decider, decider_version, actor, reason, input, tries, saw_at,
--   premise_resources, premise_versions, predicates, counters}]; p_changes: see foreword_code.move;
-- p_acted: [{resource, generation}] of the desired state that was acted on.
create function foreword_code.record(
  p_decisions jsonb,
  p_changes jsonb,
  p_acted jsonb default '[]'
) returns table (decision uuid, id bigint, resource uuid, version bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  marked integer;
begin
  if current_setting('transaction_isolation') <> 'serializable' then
    raise exception 'a decision needs a SERIALIZABLE transaction, this one is %',
      upper(current_setting('transaction_isolation'))
      using errcode = 'FW001', hint = 'Begin with: begin isolation level serializable';
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
    xid
  )
  select
    d.id,
    d.scope,
    d.decider,
    coalesce(d.decider_version, 0),
    coalesce(d.actor, ''),
    coalesce(d.reason, ''),
    d.input,
    coalesce(d.tries, 1),
    d.saw_at,
    coalesce(d.premise_resources, '{}'),
    coalesce(d.premise_versions, '{}'),
    coalesce(d.predicates, '[]'),
    coalesce(d.counters, '[]'),
    pg_current_snapshot(),
    pg_current_xact_id()
  from jsonb_to_recordset(p_decisions) as d (
    id uuid,
    scope text,
    decider text,
    decider_version integer,
    actor text,
    reason text,
    input jsonb,
    tries integer,
    saw_at timestamptz,
    premise_resources uuid[],
    premise_versions bigint[],
    predicates jsonb,
    counters jsonb
  );

  -- The desired state that was acted on must still be the one that is wanted. Marking it is a write,
  -- so an owner who changes his mind meanwhile meets this decision whatever his isolation level.
  if p_acted <> '[]' then
    update foreword_private.desired d
    set acted_generation = d.generation
    from jsonb_to_recordset(p_acted) as a (resource uuid, generation bigint)
    where d.resource = a.resource and d.generation = a.generation;
    get diagnostics marked = row_count;
    if marked < jsonb_array_length(p_acted) then
      raise exception 'what is wanted has changed meanwhile'
        using errcode = 'FW030', hint = 'Read what is wanted again, and converge to that.';
    end if;
  end if;

  return query
  select m.decision, m.id, m.resource, m.version
  from foreword_code.move(p_changes) m;
end
$$;
