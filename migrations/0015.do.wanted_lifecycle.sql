-- What its owner says of how a resource may change: {prevent_destroy, create_before_destroy, ignore, replace_on}.
-- It stays with the row when the resource is wanted no more: what is protected is protected until somebody
-- says otherwise, and not until its lines are gone from a file.
alter table foreword_private.desired
  add column lifecycle jsonb not null default '{}',
  -- Who deletes reads it by key, and marks what is acted on: an update that is not HOT would meet strangers.
  set (fillfactor = 70);
