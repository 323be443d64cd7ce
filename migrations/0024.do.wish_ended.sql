-- A wish that something be absent ends once it is: who makes it again, without asking for it in a stack, keeps it.
alter table foreword_private.desired add column ended_at timestamptz;
