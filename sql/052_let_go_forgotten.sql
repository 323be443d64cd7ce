-- Lets go who waits for what is through already, and forgets who has given way: a withdrawal cannot see who
-- began to wait while it ran. Some at a time: the oldest, where such are found sooner or later, and some from
-- anywhere, should those wait for a person.
create function foreword_code.let_go_forgotten() returns void
language plpgsql as $$
declare
  checked_max constant integer := 250;
  forgotten bigint[];
begin
  select array_agg(distinct w.waits_for)
  into forgotten
  from (
    (
      select e.waits_for from foreword_private.entry e
      where e.waits_for is not null order by e.waits_for limit checked_max
    )
    union all
    (
      select d.waits_for from foreword_private.decision d
      where d.waits_for is not null order by d.waits_for limit checked_max
    )
    union all
    (
      select e.waits_for
      from foreword_private.entry e
      where e.waits_for >= (
        select min(w.waits_for) + (random() * (max(w.waits_for) - min(w.waits_for)))::bigint
        from foreword_private.entry w
        where w.waits_for is not null
      )
      order by e.waits_for
      limit checked_max
    )
    union all
    (
      select d.waits_for
      from foreword_private.decision d
      where d.waits_for >= (
        select min(w.waits_for) + (random() * (max(w.waits_for) - min(w.waits_for)))::bigint
        from foreword_private.decision w
        where w.waits_for is not null
      )
      order by d.waits_for
      limit checked_max
    )
  ) w
  where not exists (
    select
    from foreword_private.entry p
    where p.id = w.waits_for and p.settled_at is null
  );
  if forgotten is not null then
    perform foreword_code.let_go(forgotten);
  end if;

  delete from foreword_private.yielding y
  where not exists (
    select
    from foreword_private.entry e
    where e.resource = y.resource and e.version = y.version and e.settled_at is null
  );
end
$$;
