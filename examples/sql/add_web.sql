-- Adds a web server to the pool while it is not full: one decision, in psql.
--
--   psql "$(foreword url)" -v scope=acme/prod -v max=8 -f add_web.sql
--
-- Exit code 0: decided, or refused. 3: an error; 40001, 40P01 and 23505 mean that somebody was first,
-- and the whole file is to be run again.
\set ON_ERROR_STOP on
\set VERBOSITY verbose
\set SHOW_CONTEXT never

begin isolation level serializable;

-- What it reads. All of it becomes a premise of the decision.
select
  coalesce('web-' || min(n), '') as name,
  foreword.counter(:'scope', 'cores') as cores
from generate_series(1, :max) n
where 'web-' || n not in (select p.name from foreword.find(:'scope', 'vm', 'role', 'web') p)
\gset

select :'name' <> '' and :cores + 4 <= 64 as has_room
\gset
\if :has_room
  \echo :name is free, :cores cores are in use
  select state is null as is_absent
  from foreword.assume(:'scope', 'vm', :'name')
  \gset
\else
  \set is_absent false
\endif

-- What it intends. Nothing is written before foreword.decide, and nothing counts before COMMIT.
\if :is_absent
  select foreword.intend(
    :'scope',
    'vm',
    :'name',
    'create',
    '{"size": "m"}',
    '{"labels": {"role": "web"}, "counters": {"cores": 4}}'
  )
  \gset
  select foreword.decide('add-web', format('at most %s', :max)) as decision
  \gset
\endif

commit;

\if :is_absent
  \echo decided :decision
\else
  \echo refused: the pool is full
\endif
