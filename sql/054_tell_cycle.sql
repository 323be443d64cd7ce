-- A cycle in words: each decision by its decider, and how it leads to the next. The edges are a tree that
-- was searched from p_decision; the last of them leads back.
create function foreword_code.tell_cycle(
  p_decision uuid,
  p_from uuid[],
  p_to uuid[],
  p_why text[]
) returns text
language plpgsql as $$
declare
  at uuid := p_decision;
  told text := '';
  edge integer;
begin
  loop
    edge := array_position(p_to, at);
    at := p_from[edge];
    told := format(
      '%s %s%s',
      (select d.decider from foreword_private.decision d where d.id = at),
      p_why[edge],
      case when told = '' then '' else ' ' || told end
    );
    exit when at = p_decision;
  end loop;
  return format('it is not serializable with others: %s itself', told);
end
$$;
