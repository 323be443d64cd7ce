-- Writes a whole decision: its tombstone-guarding row first, then its entries. One call, one flight
-- with COMMIT. Errors are of class FW; a 40001 means that somebody else was first: decide again.
create function foreword_code.record(
  p_id uuid,
  p_head jsonb,
  p_resources uuid[],
  p_versions bigint[],
  p_predicates jsonb,
  p_counters jsonb,
  p_cause text,
  p_changes jsonb,
  p_acted jsonb default '[]'
) returns table (id bigint, resource uuid, version bigint)
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
  values (
    p_id,
    p_head ->> 'scope',
    p_head ->> 'decider',
    coalesce((p_head ->> 'decider_version')::integer, 0),
    coalesce(p_head ->> 'actor', ''),
    coalesce(p_head ->> 'reason', ''),
    p_head -> 'input',
    coalesce((p_head ->> 'tries')::integer, 1),
    (p_head ->> 'saw_at')::timestamptz,
    p_resources,
    p_versions,
    p_predicates,
    p_counters,
    pg_current_snapshot(),
    pg_current_xact_id()
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

  return query select m.id, m.resource, m.version from foreword_code.move(p_id, p_cause, p_changes) m;
end
$$;
