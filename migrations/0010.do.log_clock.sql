-- By how much the transaction numbers in the log are ahead of the server's own: more than 0 once the log has
-- come from another server, by a dump or by replication, whose numbers were higher. One row at most.
create table foreword_private.log_clock (
  one boolean primary key default true,
  ahead_by bigint not null,
  constraint one_row check (one)
);
