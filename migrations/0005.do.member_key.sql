-- `find` reads by a digest of (scope, kind, label, value), so that neighbours in the index are strangers,
-- as with resources. Led by its names, a young table's few leaf pages were shared by all, and who found or
-- changed members of anything met everybody: 46 % false aborts at 100 resources, 36 % at 10,000.
-- sql/021_premise_keys.sql computes the same.
alter table foreword_private.member disable trigger writes_are_serializable;

alter table foreword_private.member add column key uuid;

delete from foreword_private.member
where scope = '';

update foreword_private.member
set
  key = encode(
    substring(
      sha256(
        convert_to(
          chr(30) || 'member' || chr(31) || scope || chr(31) || kind
            || chr(31) || label || chr(31) || value,
          'UTF8'
        )
      ) for 16
    ),
    'hex'
  )::uuid;

-- (The table is small, a row for each label of what is there, and the migrator locks it anyway.)

-- Rows that are nobody's spread the index over a thousand pages from the first day on: two predicates of
-- strangers share one so seldom that it does not show (10 MB).
insert into foreword_private.member (scope, kind, label, value, resource, name, key)
select
  '',
  '',
  '',
  i::text,
  '00000000-0000-0000-0000-000000000000',
  '',
  encode(substring(sha256(convert_to(i::text, 'UTF8')) for 16), 'hex')::uuid
from generate_series(1, 18000) as i;

alter table foreword_private.member
  -- squawk-ignore adding-not-nullable-field
  alter column key set not null,
  drop constraint member_pkey,
  -- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
  add constraint member_pkey primary key (key, resource) with (fillfactor = 10);

-- For the pages to come, which fill by splitting.
alter index foreword_private.member_pkey set (fillfactor = 90);

alter table foreword_private.member enable trigger writes_are_serializable;
