-- KIND/NAME of all that a spec refers to, as src/domain/reference.ts reads it: an object whose only key is `ref`.
create function foreword_code.references_of(p_spec jsonb) returns table (reference text)
language sql immutable parallel safe as $$
  select distinct regexp_replace(o.value ->> 'ref', '#[^#]*$', '')
  from jsonb_path_query(p_spec, 'strict $.**') as o (value)
  where
    jsonb_typeof(o.value) = 'object'
    and jsonb_typeof(o.value -> 'ref') = 'string'
    and o.value - 'ref' = '{}'
    and o.value ->> 'ref' ~ '^[^/]+/.+#.';
$$;
