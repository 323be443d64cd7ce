-- What an API that answers "accepted" calls the operation that it has begun: kept with the attempt, whoever dies.
alter table foreword_private.attempt add column operation jsonb;
