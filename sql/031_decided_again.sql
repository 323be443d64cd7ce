-- Marks what these decisions were decided instead of, in their own transaction: it is decided again once, whoever
-- dies when.
create function foreword_code.decided_again(p_decisions jsonb) returns void
language plpgsql as $$
declare
  late record;
begin
  for late in
    select d.id, d.instead_of
    from jsonb_to_recordset(p_decisions) as d (id uuid, instead_of uuid)
    where d.instead_of is not null
  loop
    update foreword_private.again a
    set
      ended_at = clock_timestamp(),
      outcome = 'decided',
      decided_as = late.id,
      worker = null
    where a.decision = late.instead_of and a.ended_at is null;
    if not found then
      raise exception 'decision % is not to be decided again, or was already', late.instead_of
        using errcode = 'FW032', hint = 'Decide on your own account.';
    end if;
  end loop;
end
$$;
