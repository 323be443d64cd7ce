-- The desired state that was acted on must still be the one that is wanted. Marking it is a write, so
-- an owner who changes his mind meanwhile meets this decision whatever his isolation level.
-- p_acted: [{resource, generation, adopted: {spec}}]. adopted: what was seen is what is wanted from now on, in the
-- same transaction as it is what is assumed; spec null: it is gone, and nobody has a say in it.
create function foreword_code.mark_acted(p_acted jsonb) returns void
language plpgsql as $$
declare
  marked integer;
begin
  update foreword_private.desired d
  set acted_generation = d.generation
  from jsonb_to_recordset(p_acted) as a (resource uuid, generation bigint)
  where d.resource = a.resource and d.generation = a.generation;
  get diagnostics marked = row_count;
  if marked < jsonb_array_length(p_acted) then
    raise exception 'what is wanted has changed meanwhile'
      using errcode = 'FW030', hint = 'Read what is wanted again, and converge to that.';
  end if;
  if p_acted @? '$[*].adopted' then
    update foreword_private.desired d
    set
      spec = nullif(a.adopted -> 'spec', 'null'),
      ended_at = case when a.adopted -> 'spec' = 'null' then clock_timestamp() end,
      generation = d.generation + 1,
      acted_generation = d.generation + 1,
      wanted_at = clock_timestamp(),
      wanted_by = 'foreword/observe'
    from jsonb_to_recordset(p_acted) as a (resource uuid, adopted jsonb)
    where d.resource = a.resource and a.adopted is not null;
  end if;
end
$$;
