-- What an API that answers "accepted" calls the operation that it has begun: kept with the attempt, whoever dies.
alter table foreword_private.attempt add column operation jsonb;

-- Arguments of the few intents that are actions and not states. A table of its own, so that all others pay nothing.
create table foreword_private.argument (
  resource uuid not null,
  version bigint not null,
  args jsonb not null,
  primary key (resource, version)
);

create trigger log_keeps_its_rows
before update or delete or truncate on foreword_private.argument
for each statement execute function foreword_private.refuse_rewriting_the_log();
