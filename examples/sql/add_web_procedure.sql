-- The same decision in PL/pgSQL: a function that decides in the transaction that calls it, and a
-- procedure that brings its own transactions, for cron jobs.

-- One try. Its caller has begun the transaction, SERIALIZABLE, and commits it. Null: refused.
create or replace function decide_web(p_scope text, p_max integer) returns uuid
language plpgsql as $$
declare
  free_name text;
begin
  select 'web-' || min(n)
  into free_name
  from generate_series(1, p_max) n
  where 'web-' || n not in (select p.name from foreword.find(p_scope, 'vm', 'role', 'web') p);

  if
    free_name is null
    or foreword.counter(p_scope, 'cores') + 4 > 64
    or exists (select from foreword.assume(p_scope, 'vm', free_name) a where a.state is not null)
  then
    return null;
  end if;

  perform foreword.intend(
    p_scope,
    'vm',
    free_name,
    'create',
    '{"size": "m"}',
    '{"labels": {"role": "web"}, "counters": {"cores": 4}}'
  );
  return foreword.decide('add-web', format('at most %s', p_max));
end
$$;

-- Up to ten tries. To be called outside of a transaction:  call add_web('acme/prod', 8)
create or replace procedure add_web(p_scope text, p_max integer, inout decision uuid default null)
language plpgsql as $$
begin
  for try in 1..10 loop
    rollback;  -- The transaction of CALL, or of the try before: isolation is set before the first read.
    set transaction isolation level serializable;
    begin
      decision := decide_web(p_scope, p_max);
      exit;
    exception
      when serialization_failure or deadlock_detected or unique_violation then
        if try = 10 then
          raise;
        end if;
    end;
    rollback;  -- Nobody shall wait for a try that has failed while it sleeps.
    perform pg_sleep(random() * least(0.05, 0.001 * 2 ^ try));
  end loop;
  -- Here, too, it may be told that somebody was first. A block that could catch it may not commit: that
  -- 40001 is the caller's.
  commit;
end
$$;
