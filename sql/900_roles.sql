-- Who may do what. A role may call the functions listed here and read the views, and reaches no table: the
-- functions run as their owner, whoever migrates, with a search_path that no caller can bend.

-- Roles belong to the cluster, and somebody may be making the same one for another database right now. Where
-- they are made by hand they are missing at first, and a migration must not fail for that. Tells whether it
-- is there.
create function foreword_code.make_role(p_role text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if
    not exists (select from pg_roles r where r.rolname = p_role)
    and exists (select from pg_roles r where r.rolname = current_user and (r.rolsuper or r.rolcreaterole))
  then
    begin
      execute format('create role %I nologin', p_role);
    exception
      when duplicate_object or unique_violation or insufficient_privilege or internal_error then
        null;
    end;
  end if;
  return exists (select from pg_roles r where r.rolname = p_role);
end
$$;

-- Run by every rebuild. By hand, as the owner, once the roles were made that were missing then.
create function foreword_code.grant_roles() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  given record;
  unknown text;
  missing text[] := '{}';
begin
  for given in
    select *
    from (
      values
        (
          'foreword_decider',
          false,
          array[
            'foreword.assume',
            'foreword.committed',
            'foreword.counter',
            'foreword.decide',
            'foreword.find',
            'foreword.intend',
            'foreword.observe',
            'foreword.prepare',
            'foreword.unwant',
            'foreword.want',
            'foreword_code.count_kinds',
            'foreword_code.deployed_hash',
            'foreword_code.entries_of',
            'foreword_code.note_conflicts',
            'foreword_code.prepare',
            'foreword_code.read',
            'foreword_code.record',
            'foreword_code.record_one',
            'foreword_code.wake'
          ]
        ),
        (
          'foreword_applier',
          false,
          array[
            'foreword.observe',
            'foreword_code.budget_wait',
            'foreword_code.certify',
            'foreword_code.claim',
            'foreword_code.claim_again',
            'foreword_code.deployed_hash',
            'foreword_code.earlier_doubt',
            'foreword_code.end_again',
            'foreword_code.enter_worker',
            'foreword_code.forget_gone',
            'foreword_code.intents_of',
            'foreword_code.leave_worker',
            'foreword_code.note_answers',
            'foreword_code.note_looks',
            'foreword_code.outputs_of',
            'foreword_code.release',
            'foreword_code.settle',
            'foreword_code.sweep',
            'foreword_code.take_call',
            'foreword_code.traces_of',
            'foreword_code.withdraw'
          ]
        ),
        (
          'foreword_reader',
          true,
          array[
            'foreword.assumed_at',
            'foreword.assumed_at_version',
            'foreword.changed_between',
            'foreword.kinds',
            'foreword.search',
            'foreword_code.deployed_hash',
            'foreword_code.recorded_decisions',
            'foreword_code.recorded_intents',
            'foreword_code.recorded_premises'
          ]
        ),
        (
          'foreword_operator',
          true,
          array[
            'foreword.approve',
            'foreword.assumed_at',
            'foreword.assumed_at_version',
            'foreword.cancel',
            'foreword.changed_between',
            'foreword.forget',
            'foreword.kinds',
            'foreword.observe',
            'foreword.pause',
            'foreword.resolve',
            'foreword.resume',
            'foreword.search',
            'foreword.unwant',
            'foreword.want',
            'foreword_code.deployed_hash',
            'foreword_code.recorded_decisions',
            'foreword_code.recorded_intents',
            'foreword_code.recorded_premises'
          ]
        )
    ) as g (role_name, reads_views, routines)
  loop
    select r into unknown
    from unnest(given.routines) as r
    where not exists (
      select from pg_proc p where p.pronamespace::regnamespace || '.' || p.proname = r
    );
    if unknown is not null then
      raise exception '% is granted to % and does not exist', unknown, given.role_name;
    end if;
    if not foreword_code.make_role(given.role_name) then
      missing := missing || given.role_name;
      continue;
    end if;
    execute format('grant usage on schema foreword, foreword_code to %I', given.role_name);
    execute format(
      'grant execute on routine %s to %I',
      (
        select string_agg(p.oid::regprocedure::text, ', ')
        from pg_proc p
        where p.pronamespace::regnamespace || '.' || p.proname = any (given.routines)
      ),
      given.role_name
    );
    if given.reads_views then
      execute format('grant select on all tables in schema foreword to %I', given.role_name);
    end if;
  end loop;

  if cardinality(missing) > 0 then
    raise warning 'nothing was granted to %: no such role, and % may not make it',
      array_to_string(missing, ', '), current_user
      using hint = 'Let somebody who may create it (nologin), then call foreword_code.grant_roles().';
  end if;
end
$$;

-- Postgres lets everybody execute what is new: taken back in the transaction that made it.
revoke execute on all routines in schema foreword, foreword_code from public;

-- Views ask these as whoever reads them: a role of one's own that is given `intent` alone is to read it. By hand nobody
-- reaches them who may not use the schema.
grant execute on routine
  foreword_code.live_kinds,
  foreword_code.without_paths
to public;

select foreword_code.grant_roles();
